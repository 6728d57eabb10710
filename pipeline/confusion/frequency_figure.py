"""Recall against how often an expression was seen in training."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import MUTED, WIDTH, entitle, style


def draw_recall_by_frequency(
    shares: NDArray[np.floating], recalls: Mapping[str, NDArray[np.floating]], title: str
) -> Figure:
    """One point an expression and model, the first model's with names beside them.

    Args:
        shares: of each expression among the training faces, (7,).
        recalls: recall of each expression by model, (7,) each; NaN leaves an expression out.
        title: stands above.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.7))
        axes = figure.add_subplot()
        for number, (model, values) in enumerate(recalls.items()):
            axes.plot(shares, values, "os"[number % 2], markersize=5, label=model.upper())
        tops = np.max(list(recalls.values()), axis=0)
        lows = np.min(list(recalls.values()), axis=0)
        axes.vlines(shares, lows, tops, color=MUTED, linewidth=0.6, zorder=0)
        order = [k for k in np.argsort(shares, kind="stable") if np.isfinite(tops[k])]
        for place, k in enumerate(order):
            # Neighbours stand above and below in turn: similar shares would overwrite each other.
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
        axes.legend(
            ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0,
            handlelength=1.2, fontsize=9,
        )  # fmt: skip
        entitle(figure, title)
    return figure
