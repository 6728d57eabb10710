"""Figures inside the page: SVG documents as data, readable on light and dark pages alike."""

import re
from base64 import b64encode
from dataclasses import dataclass

from pipeline.figures.style import ON_DARK

_PIXELS_PER_POINT = 96 / 72

_ROOT = re.compile(r'<svg\b[^>]*\bviewBox="\S+ \S+ (\S+) (\S+)"[^>]*>')
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)

_RULES = "".join(
    f'[style*="{part}: {light}"]{{{part}:{dark}!important}}'
    for light, dark in ON_DARK.items()
    for part in ("fill", "stroke")
)
"""They replace the study's colours, and touch no picture: those hold no such names."""

_DARK_STYLE = f"<style>@media(prefers-color-scheme:dark){{{_RULES}}}</style>"


@dataclass(frozen=True)
class Picture:
    """A picture that needs no file: a `data:` URI, and its natural size in CSS pixels."""

    address: str
    width: int
    height: int


def embed(svg: str) -> Picture:
    """Make a figure, as `pipeline.figures.style.save` writes it, part of the page.

    Raises:
        ValueError: not an SVG document with a `viewBox`.
    """
    root = _ROOT.search(svg)
    if root is None:
        raise ValueError("not an SVG document with a viewBox")
    width, height = (round(float(side) * _PIXELS_PER_POINT) for side in root.groups())
    drawn = _METADATA.sub("", svg[root.end() :])
    data = b64encode(f"{root.group()}{_DARK_STYLE}{drawn}".encode()).decode()
    return Picture(f"data:image/svg+xml;base64,{data}", width, height)
