"""Templates and styles for pages, and the words and numbers that templates know."""

from pathlib import Path
from typing import Any

import jinja2

from pipeline.wording import evidence, numbers, tta

FILTERS: dict[str, Any] = {
    "around_zero": evidence.around_zero,
    "count": numbers.count,
    "counted": numbers.counted,
    "percent": numbers.percent,
    "percent_interval": numbers.percent_interval,
    "percent_range": numbers.percent_range,
    "points": numbers.points,
    "points_range": numbers.points_range,
    "probability": numbers.probability,
    "signed": numbers.signed,
    "tta_views": tta.tta_views,
}


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
    environment.filters |= FILTERS
    return environment
