"""What a grid of experiments found: one line an arm, each seed a dot, the mean a stroke."""

import numpy as np
from matplotlib.figure import Figure

from pipeline.experiments.grid_statistics import FiguresByArm
from pipeline.figures.style import ACCENT, INK, MUTED, SECOND, legend_above, panel


def draw_grid(measured: FiguresByArm, against: FiguresByArm, names: tuple[str, str]) -> Figure:
    """Draw the figures of all arms.

    Args:
        measured: of each arm, its figure by seed: shares, 0 to 1.
        against: what it is compared with, likewise; may be empty.
        names: of the two measures.
    """
    with panel("Each arm, seed by seed", 0.9 + 0.27 * len(measured)) as (figure, axes):
        series = [(measured, names[0], ACCENT, 0.0), (against, names[1], SECOND, 0.22)]
        for values, name, colour, offset in series[: 2 if against else 1]:
            found = {
                place + offset: 100 * np.array(list(values.get(arms, {}).values()))
                for place, arms in enumerate(measured)
            }
            heights = np.repeat(list(found), [len(each) for each in found.values()])
            axes.plot(np.concatenate(list(found.values())), heights, "o", color=colour,
                      markersize=4, alpha=0.6, markeredgewidth=0, label=name)  # fmt: skip
            for height, each in found.items():
                if len(each):
                    axes.plot(each.mean(), height, "|", color=INK, markersize=10)
        axes.set_yticks(range(len(measured)), [" · ".join(arms) for arms in measured], fontsize=8)
        axes.set_ylim(len(measured) - 0.4, -0.6)
        axes.set_xlabel("% (each seed a dot, their mean a stroke)")
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_color(MUTED)
        if against:
            legend_above(axes, len(names))
    return figure
