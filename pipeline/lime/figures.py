"""What LIME found, face by face: segments, their weights, and the face with only the heaviest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from pipeline.explaining.subject import Answer
from pipeline.figures.style import (
    ACCENT,
    BAD,
    GOOD,
    INK,
    MUTED,
    SECOND,
    WIDTH,
    blank,
    entitle,
    style,
)
from pipeline.lime.result import FaceExplained
from pipeline.lime.segments import Segments, borders

FOR, AGAINST = ACCENT, SECOND
"""Blue and orange differ for every kind of colour blindness."""

_BESIDE, _HEAD, _FOOT, _GAP, _TOP = 1.2, 0.47, 0.3, 0.06, 0.04
"""Inches: words before each row, title and names of columns, colour key, between pictures, above
the title."""

_TILE = (WIDTH - _BESIDE - 2 * _GAP) / 3
"""Side of a picture in inches."""

_LINE = 0.155
"""Share of a picture's height from one line of words to the next."""

_BORDER = "#ffd52e"
"""Of segments: drawn on a picture, it has no need to change on a dark page. Faces are dimmed under
it, or it would be lost on light skin."""

_DIM = 1.3

_PALE = (0.3, 0.55)
"""Under the colours a face has little contrast and is neither black nor white: lift, factor."""

_OPAQUE = 0.85
"""Of the heaviest segment's colour."""


@dataclass(frozen=True)
class Row:
    """A face (48, 48), its expression and its explanation, for one row of the figure.

    There is a weight for each segment; of `kept` all but the heaviest segments are hidden.
    """

    true: str
    found: FaceExplained
    face: NDArray[np.uint8]
    segments: Segments
    weights: NDArray[np.floating]
    kept: NDArray[np.uint8]


def draw_lime(rows: Sequence[Row], marked: int, title: str) -> Figure:
    """One row a face: its words, the segments, their weights in colour, and what is kept of it.

    Colours are scaled face by face: the heaviest segment is the most colourful.
    """
    with style():
        figure = Figure(figsize=(WIDTH, _HEAD + (_TILE + _GAP) * len(rows) + _FOOT))
        entitle(figure, title)
        panels = _place(figure, len(rows))
        for row, pictures in zip(rows, panels, strict=True):
            for picture in pictures:
                blank(picture)
            _write(pictures[0], row)
            pictures[0].imshow(row.face, cmap="gray", vmin=0, vmax=255 * _DIM)
            pictures[0].add_patch(_outline(row.segments))
            pictures[1].imshow(colour(row.face, row.segments, row.weights))
            pictures[2].imshow(row.kept, cmap="gray", vmin=0, vmax=255)
        for picture, name in zip(panels[0], ("segments", "weights", f"{marked} kept"), strict=True):
            picture.set_title(name, fontsize=9, loc="center", pad=4)
        figure.legend(
            handles=[Patch(color=FOR, label="for the answer"),
                     Patch(color=AGAINST, label="against it")],
            loc="lower right", ncols=2, fontsize=9, handlelength=1, borderpad=0.2, borderaxespad=0,
        )  # fmt: skip
    return figure


def colour(
    face: NDArray[np.uint8], segments: Segments, weights: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """A pale face with each segment in the colour of its weight, (48, 48, 3) of 0..255.

    The picture has its own ground, so that it is the same on a light page and on a dark one.
    """
    share = weights / max(float(np.abs(weights).max()), np.finfo(np.float64).tiny)
    lift, factor = _PALE
    pale, of_pixel = lift + factor * face[..., None] / 255, share[segments][..., None]
    tint = np.where(of_pixel > 0, to_rgb(FOR), to_rgb(AGAINST))
    opacity = _OPAQUE * np.abs(of_pixel)
    mixed: NDArray[np.uint8] = (255 * ((1 - opacity) * pale + opacity * tint)).astype(np.uint8)
    return mixed


def _place(figure: Figure, rows: int) -> NDArray[np.object_]:
    """Three square panels a row, below one another and below the title.

    By hand: the last digits of the layout engine's positions depend on where things lie in memory,
    and with them the names of the frames that pictures are cut to.
    """
    figure.set_layout_engine("none")
    high = figure.get_figheight()
    figure.suptitle(figure.get_suptitle(), x=0.01, y=1 - _TOP / high, ha="left", fontsize=11)
    top = _FOOT + rows * (_TILE + _GAP) - _GAP
    panels: NDArray[np.object_] = figure.subplots(
        rows, 3, squeeze=False, gridspec_kw={
            "left": _BESIDE / WIDTH, "right": 1, "bottom": _FOOT / high, "top": top / high,
            "wspace": _GAP / _TILE, "hspace": _GAP / _TILE,
        },
    )  # fmt: skip
    return panels


def _outline(segments: Segments) -> PathPatch:
    """All borders as one path, which takes a tenth of the bytes of as many lines."""
    points = borders(segments).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(points) // 2)
    return PathPatch(Path(points, codes), fill=False, edgecolor=_BORDER, linewidth=0.7)


def _write(axes: Axes, row: Row) -> None:
    """The numbers of a face, line under line, left of its first panel."""
    found, answer = row.found, Answer(row.true, row.found.predicted, row.found.probability)
    lines = [
        (row.true, INK, 9.5),
        (answer.verdict, GOOD if answer.is_right else BAD, 8.5),
        (f"R² {_number(found.r2)}", INK, 8.5),
        (f"overlap {_number(found.overlap)}", INK, 8.5),
        (f"{found.segments} segments", MUTED, 8),
        (f"{found.samples} samples", MUTED, 8),
    ]
    top = 0.5 + _LINE * (len(lines) - 1) / 2
    for number, (text, ink, size) in enumerate(lines):
        axes.text(
            -_BESIDE / _TILE, top - number * _LINE, text, transform=axes.transAxes, va="center",
            color=ink, fontsize=size,
        )  # fmt: skip


def _number(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.2f}"
