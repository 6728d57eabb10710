"""The confusion matrix as a picture."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.analysis.confusion import normalise_rows
from pipeline.data.expressions import EXPRESSIONS
from pipeline.figures.style import INK, style


def draw_confusion(counts: NDArray[np.integer], title: str) -> Figure:
    """Shares of each true expression in colour and figures, counts in small beneath.

    Args:
        counts: faces by true (row) and predicted (column) expression, (7, 7).
        title: stands above.
    """
    shares = normalise_rows(counts)
    with style():
        figure = Figure(figsize=(5.8, 5.2))
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        places = range(len(EXPRESSIONS))
        axes.set_xticks(places, EXPRESSIONS, rotation=45, ha="right")
        axes.set_yticks(places, [f"{name} ({counts[k].sum()})" for k, name in enumerate(EXPRESSIONS)])
        axes.set_xlabel("predicted")
        axes.set_ylabel("true (faces)")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for row in places:
            for column in places:
                # Cells keep their own ground in a dark page, so their letters keep their colour:
                # black and white here are left alone when the report recolours the ink.
                colour = "white" if shares[row, column] > 0.55 else "black"
                axes.text(column, row - 0.08, f"{shares[row, column]:.2f}".lstrip("0") or "0",
                          ha="center", va="center", color=colour, fontsize=9)  # fmt: skip
                axes.text(column, row + 0.27, f"{counts[row, column]}",
                          ha="center", va="center", color=colour, fontsize=6, alpha=0.7)  # fmt: skip
        axes.set_title(title, color=INK)
    return figure
