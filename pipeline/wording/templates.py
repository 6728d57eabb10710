"""Templates and styles for pages, and the words and numbers that templates know."""

from pathlib import Path
from typing import Any

import jinja2

from pipeline.params import TTA
from pipeline.wording import evidence, numbers


def tta_views(tta: TTA) -> str:
    """Of what a probability is the mean: "a face and its mirror image"; nothing if of one face."""
    moved = f"moved by {numbers.counted(tta.shift, 'pixel')} up, down, left and right"
    if tta.flip and tta.shift:
        return f"a face, the face {moved}, and the mirror images of these"
    if tta.shift:
        return f"a face and the face {moved}"
    return "a face and its mirror image" if tta.flip else ""


FILTERS: tuple[Any, ...] = (
    evidence.around_zero, numbers.count, numbers.counted, numbers.percent, numbers.percent_interval,
    numbers.percent_range, numbers.points, numbers.points_range, numbers.probability,
    numbers.signed, tta_views,
)  # fmt: skip
"""What templates know by its name."""


def read_style(own: Path) -> str:
    """The style of a page: what all pages have in common, then its own."""
    common = Path(__file__).with_name("page.css")
    return "".join(file.read_text(encoding="utf-8") for file in (common, own))


def read_templates(folder: Path, *, html: bool) -> jinja2.Environment:
    """The templates below a folder; what they are given is escaped in HTML, and not in Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=html,  # noqa: S701 (Markdown is made of our own numbers)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {each.__name__: each for each in FILTERS}
    return environment
