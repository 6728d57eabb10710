"""How every figure looks, and how it is kept.

Figures are SVG: sharp on a phone and in a thesis. All lines and letters are drawn in the colours
named here on a transparent ground, so that the report can recolour them for a dark page.
"""

import textwrap
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline import disk

INK = "#1f2430"
MUTED = "#6f7888"
ACCENT = "#2f7fd6"
SECOND = "#e0823d"
GOOD = "#2f9e62"
BAD = "#c93f3f"

ON_DARK = {
    INK: "#e6e3dc",
    MUTED: "#9aa0ab",
    ACCENT: "#5c9fe8",
    SECOND: "#e8985c",
    GOOD: "#52bd83",
    BAD: "#ef7b76",
}
"""What each colour becomes on a dark page."""

WIDTH = 4.6
"""Widest a figure may be, in inches: a phone shows that at seven tenths, letters still legible."""

_SETTINGS: Any = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlepad": 8,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=[ACCENT, SECOND, GOOD, BAD]),
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": MUTED,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    # Pictures are kept as they are, pixel by pixel: small files, and no blur that is not theirs.
    "image.interpolation": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    # Letters as shapes and ids from a fixed salt: the same bytes on every machine and day.
    "svg.fonttype": "path",
    "svg.hashsalt": "image-sentiment",
}

_HARD_PIXELS = b"image-rendering:crisp-edges;image-rendering:pixelated"

_LETTERS_PER_INCH = 12.5
"""Of a title, on average."""

_LINE = 0.18
"""Height of a title's line in inches."""


def style() -> AbstractContextManager[None]:
    """Draw in the study's style inside the block."""
    return mpl.rc_context(_SETTINGS)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG without a date."""
    drawn = BytesIO()
    with style():
        _settle(figure)
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    # Matplotlib asks for hard pixels, which drop lines of a face that is shown smaller than it is.
    with disk.whole(path) as partial:
        partial.write_bytes(drawn.getvalue().replace(_HARD_PIXELS, b"image-rendering:auto"))


def _settle(figure: Figure) -> None:
    """Lay the panels out once, to a ten-thousandth of the figure.

    The layout's solver ends in other last digits from run to run, and every digit would be in the
    file: in coordinates and in the names of clip paths, which are made from them.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 4), round(bottom, 4), round(width, 4), round(height, 4)))


def save_all(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write figures to a folder, each as `NAME.svg`."""
    for name, figure in figures.items():
        save(figure, folder / f"{name}.svg")


@contextmanager
def panel(title: str, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one panel, its height in inches, to be drawn on inside the block."""
    with style():
        figure = Figure(figsize=(WIDTH, height))
        yield figure, figure.add_subplot()
        entitle(figure, title)


def entitle(figure: Figure, title: str) -> None:
    """Put a title above all panels, from the left edge; the figure grows by each line but one."""
    lines = textwrap.wrap(title, int(figure.get_figwidth() * _LETTERS_PER_INCH))
    figure.set_figheight(figure.get_figheight() + _LINE * (len(lines) - 1))
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=11)


def blank(axes: Axes) -> None:
    """Take ticks and frame away, for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def legend_above(axes: Axes, entries: int) -> None:
    """A legend between title and panel, where no line or bar can lie beneath it."""
    axes.legend(
        ncols=entries, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2,
        borderpad=0, handlelength=1.2, fontsize=9,
    )  # fmt: skip
