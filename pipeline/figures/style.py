"""How every figure looks, and how it is kept.

Figures are SVG: sharp on a phone and in a thesis. All lines and letters are drawn in `INK` or
`MUTED` on a transparent ground, so that the report can recolour them for a dark page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1f2430"
MUTED = "#6f7888"
ACCENT = "#2f7fd6"
SECOND = "#e0823d"
GOOD = "#2f9e62"
BAD = "#d24b4b"

_SETTINGS = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.prop_cycle": mpl.cycler(color=[ACCENT, SECOND, GOOD, BAD]),
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": MUTED,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    # Letters as shapes and ids from a fixed salt: the same bytes on every machine and day.
    "svg.fonttype": "path",
    "svg.hashsalt": "image-sentiment",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the study's style inside the block."""
    with mpl.rc_context(_SETTINGS):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG without a date, then forget it: write beside, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with style():
        figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": None})
    partial.replace(path)


def blank(axes: Axes) -> None:
    """Take ticks and frame away, for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
