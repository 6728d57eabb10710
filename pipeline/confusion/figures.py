"""Confusion matrices, and recall by frequency, as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pipeline.confusion.confusion import NEGATIVE, normalise_rows
from pipeline.confusion.result import ConfusionResult
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import ACCENT, MUTED, WIDTH, legend_above, panel

# Cells are as opaque as their share, and never so much that ink could not be read on them: the
# ground shines through, and the same picture is right on a light page and on a dark one.
_OPAQUE = 0.7


def draw_both_matrices(found: ConfusionResult, model: str) -> dict[str, Figure]:
    """The whole matrix and the negative block, by what follows the model's name in the file's."""
    counts, negative = np.array(found.counts), np.array(found.negative.counts)
    return {
        "": draw_confusion(counts, f"{model}: true against predicted, test faces"),
        "-negative": draw_confusion(
            negative, f"{model}: negative expressions among themselves",
            rows=NEGATIVE, columns=(*NEGATIVE, "not negative"),
        ),
    }  # fmt: skip


def draw_confusion(
    counts: NDArray[np.integer],
    title: str,
    *,
    rows: Sequence[str] = EXPRESSIONS,
    columns: Sequence[str] = EXPRESSIONS,
) -> Figure:
    """Shares of each true expression in colour and figures, counts in small beneath.

    Cells without a face are left empty.
    """
    shares = normalise_rows(counts)
    height, width = counts.shape
    with panel(title, WIDTH * (0.25 + 0.7 * height / width)) as (figure, axes):
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
                for down, text, size in ((-0.13, f"{share:.0%}", 9), (0.25, f"{faces}", 7.5)):
                    axes.text(column, row + down, text, ha="center", va="center", fontsize=size)
    return figure


def draw_recall_by_frequency(
    shares: NDArray[np.floating], recalls: Mapping[str, NDArray[np.floating]]
) -> Figure:
    """One point an expression and model, the first model's with names beside them.

    Shares among the training faces and recalls are (7,); a recall of NaN leaves an expression out.
    """
    with panel("Are rare expressions missed more often?", 3.7) as (figure, axes):
        for number, (model, values) in enumerate(recalls.items()):
            axes.plot(shares, values, "os"[number % 2], markersize=5, label=model.upper())
        tops = np.max(list(recalls.values()), axis=0)
        lows = np.min(list(recalls.values()), axis=0)
        axes.vlines(shares, lows, tops, color=MUTED, linewidth=0.6, zorder=0)
        order = [k for k in np.argsort(shares, kind="stable") if np.isfinite(tops[k])]
        for place, k in enumerate(order):
            # Names are above and below in turn: similar shares would overwrite each other.
            above = place % 2 == 0
            axes.annotate(
                EXPRESSIONS[k], (shares[k], tops[k] if above else lows[k]),
                xytext=(0, 6 if above else -6), textcoords="offset points",
                ha="center", va="bottom" if above else "top", fontsize=8,
            )  # fmt: skip
        axes.set(xlabel="share of the training faces", ylabel="recall", ylim=(-0.12, 1.12))
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.margins(x=0.12)
        axes.grid(visible=True)
        legend_above(axes, 2)
    return figure
