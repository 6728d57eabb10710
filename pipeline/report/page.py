"""From the report's content to one HTML page that needs no other file and no network."""

from pathlib import Path
from types import ModuleType

import jinja2
from markupsafe import Markup

from pipeline.layout import SUBMISSION
from pipeline.report import (
    confusing,
    deciding,
    exciting,
    looking,
    numbers,
    sentences,
    tables,
    verdicts,
    worked,
)
from pipeline.report.content import ReportContent
from pipeline.report.embedding import embed

_HERE = Path(__file__).parent


def render(content: ReportContent) -> str:
    """Make the page: the same content gives the same bytes.

    Args:
        content: all that is shown.

    Raises:
        ValueError: a figure is not an SVG document.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= _functions(numbers)
    return environment.get_template("template.html").render(
        content=content,
        params=content.params,
        results=content.evaluation,
        say=sentences,
        confusing=confusing,
        exciting=exciting,
        looking=looking,
        deciding=deciding,
        verdicts=verdicts,
        tables=tables,
        worked=worked,
        pictures={name: embed(svg) for name, svg in content.figures.items()},
        submission=SUBMISSION,
        # Our own file, not anybody's input: its quotes and brackets are meant.
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
    )


def _functions(module: ModuleType) -> dict[str, object]:
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {name: value for name, value in public.items() if callable(value)}
