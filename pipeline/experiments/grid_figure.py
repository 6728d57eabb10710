"""What a grid of experiments found: one line an arm, each seed a dot, the mean a stroke."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.experiments.grid_statistics import Measured
from pipeline.figures.style import ACCENT, INK, MUTED, SECOND, WIDTH, entitle, style


def draw_grid(
    measured: Measured,
    against: Measured,
    names: tuple[str, str],
    title: str,
) -> Figure:
    """Draw the figures of all arms.

    Args:
        measured: of each arm, its figure by seed: shares, 0 to 1.
        against: what it is compared with, likewise; may be empty.
        names: of the two measures.
        title: stands above.
    """
    order = list(measured)
    with style():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(order)))
        axes = figure.add_subplot()
        series = [(measured, names[0], ACCENT, 0.0), (against, names[1], SECOND, 0.22)]
        for values, name, colour, offset in series:
            label = name
            for place, arms in enumerate(order):
                found = np.array(list(values.get(arms, {}).values()))
                if not len(found):
                    continue
                height = np.full(len(found), place + offset)
                axes.plot(100 * found, height, "o", color=colour, markersize=4, alpha=0.6,
                          markeredgewidth=0, label=label)  # fmt: skip
                axes.plot(100 * found.mean(), place + offset, "|", color=INK, markersize=10)
                label = "_"
        axes.set_yticks(range(len(order)), [" · ".join(arms) for arms in order], fontsize=8)
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlabel("% (each seed a dot, their mean a stroke)")
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(MUTED)
        if against:
            _legend_above(figure, names)
        entitle(figure, title)
    return figure


def _legend_above(figure: Figure, names: Sequence[str]) -> None:
    axes = figure.axes[0]
    axes.legend(
        ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0,
        handlelength=1.0, fontsize=8,
    )  # fmt: skip
