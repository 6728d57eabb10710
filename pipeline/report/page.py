"""From the stages' results to one HTML page that needs no other file and no network.

Each stage brings its part of the page in its folder: `section.html`, a template that is given the
stage's own results (`result["NAME"]`, by `read` of its `result.py`) and its sentences (`words`, its
`words.py`), and those of any other stage; `summary.html`, for the top of the page. What it compares
its sentences name (`comparisons`), so that the page can count and correct them. A stage
with metrics or figures and no section gets a plain one, with both.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
from markupsafe import Markup

from pipeline import layout
from pipeline.dotted_keys import flatten
from pipeline.dvc_yaml import StageEntry
from pipeline.files import read_json, read_text
from pipeline.params import Params
from pipeline.report.embedding import Picture, embed
from pipeline.report.words import compared_together
from pipeline.wording.templates import read_style, read_templates

_PIPELINE = Path(__file__).parents[1]

_TITLE = re.compile(r'<section id="([^"]+)">\s*<h2>([^<]+)</h2>')


def render(params: Params, stages: Sequence[StageEntry]) -> str:
    """Make the page: the same results give the same bytes.

    Stages without anything to show are passed over.

    Raises:
        UserError: a result is missing, or is not what its stage writes.
        ValueError: a figure is not an SVG document.
    """
    known: dict[str, Any] = {
        "params": params,
        "result": _Results(),
        "is_sample": layout.is_sample(params.data.source),
    }
    sections = "".join(_section(stage, known) for stage in stages)
    summaries = "".join(_part(stage.name, "summary.html", known) for stage in stages)
    style = read_style(_PIPELINE / "report/style.css")
    page = _templates().get_template("report/template.html")
    return page.render(
        known,
        titles=_TITLE.findall(sections),
        sections=Markup(sections),  # noqa: S704 (our templates escape what they get)
        comparisons=compared_together(_comparisons(stages, known["result"])),
        summaries=Markup(summaries),  # noqa: S704 (our templates escape what they get)
        style=Markup(style),  # noqa: S704 (our own file)
    )


@cache
def _templates() -> jinja2.Environment:
    environment = read_templates(_PIPELINE, html=True)
    environment.globals["picture"] = _picture
    macros: Any = environment.get_template("report/macros.html").module
    environment.globals |= {name: getattr(macros, name) for name in ("figure", "both")}
    return environment


class _Results(dict[str, Any]):
    """The results of each stage by its name, read when they are first asked for."""

    def __missing__(self, stage: str) -> Any:
        self[stage] = import_module(f"pipeline.{stage}.result").read()
        return self[stage]


def _section(stage: StageEntry, known: Mapping[str, Any]) -> str:
    """A stage's part of the page; a plain one where it brings none but has something to show."""
    own = _part(stage.name, "section.html", known)
    figures = sorted(layout.figures(stage.name).glob("*.svg"))
    numbers = layout.metrics(stage.name)
    if own or not (figures or numbers.is_file()):
        return own
    plain = _templates().get_template("report/plain.html")
    return plain.render(
        stage=stage,
        figures=[f"{stage.name}/{path.stem}" for path in figures],
        metrics=flatten(read_json(dict[str, Any], numbers)) if numbers.is_file() else {},
    )


def _part(stage: str, file: str, known: Mapping[str, Any]) -> str:
    """A template in a stage's folder, rendered with its sentences; nothing where there is none."""
    if not (_PIPELINE / stage / file).is_file():
        return ""
    return _templates().get_template(f"{stage}/{file}").render(known, words=_words(stage))


def _words(stage: str) -> ModuleType | None:
    """A stage's sentences, where it has any."""
    has_words = (_PIPELINE / stage / "words.py").is_file()
    return import_module(f"pipeline.{stage}.words") if has_words else None


def _comparisons(stages: Sequence[StageEntry], results: Mapping[str, Any]) -> dict[str, float]:
    """All comparisons of the page and the p value of each: `comparisons` of a stage's sentences."""
    found: dict[str, float] = {}
    for stage in stages:
        if named := getattr(_words(stage.name), "comparisons", None):
            found |= named(results[stage.name])
    return found


def _picture(name: str) -> Picture:
    """A figure, as `STAGE/NAME`, made part of the page."""
    stage, file = name.split("/", 1)
    return embed(read_text(layout.figures(stage) / f"{file}.svg"))
