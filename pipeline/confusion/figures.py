"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pipeline.confusion.confusion import normalise_rows
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import ACCENT, WIDTH, entitle, style

# Cells are as opaque as their share, and never so much that ink could not be read on them: the
# ground shines through, and the same picture is right on a light page and on a dark one.
_OPAQUE = 0.7


def draw_confusion(
    counts: NDArray[np.integer],
    title: str,
    *,
    rows: Sequence[str] = EXPRESSIONS,
    columns: Sequence[str] = EXPRESSIONS,
) -> Figure:
    """Shares of each true expression in colour and figures, counts in small beneath.

    Cells without a face are left empty.

    Args:
        counts: faces by true (row) and predicted (column) expression.
        title: stands above.
        rows: names of the true expressions.
        columns: names of the predicted ones.
    """
    shares = normalise_rows(counts)
    height, width = counts.shape
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH * (0.25 + 0.7 * height / width)))
        axes = figure.add_subplot()
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(width), columns, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(height), rows)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for row, column in np.ndindex(height, width):
            share, faces = shares[row, column], counts[row, column]
            corner = (column - 0.47, row - 0.47)
            opacity = max(_OPAQUE * float(share), 0.04)
            axes.add_patch(Rectangle(corner, 0.94, 0.94, color=ACCENT, alpha=opacity, linewidth=0))
            if faces:
                _write(axes, column, row - 0.13, f"{share:.0%}", 9)
                _write(axes, column, row + 0.25, f"{faces}", 7.5)
        entitle(figure, title)
    return figure


def _write(axes: Axes, x: float, y: float, text: str, size: float) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=size)
