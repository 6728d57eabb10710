"""Recall of each expression, and calibration, as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import MUTED, legend_above, panel
from pipeline.statistics.scores import Scores


def draw_recalls(scores: Mapping[str, Scores], title: str) -> Figure:
    """Recall of each expression, one bar a model, beside how many faces it rests on."""
    first = next(iter(scores.values()))
    names = [f"{name} ({first.per_class[name].faces})" for name in EXPRESSIONS]
    places = np.arange(len(EXPRESSIONS))
    thickness = 0.8 / len(scores)
    with panel(title, 3.9) as (figure, axes):
        for number, (model, result) in enumerate(scores.items()):
            recalls = [result.per_class[name].recall for name in EXPRESSIONS]
            offset = (number - (len(scores) - 1) / 2) * thickness
            axes.barh(places + offset, recalls, thickness * 0.92, label=model.upper())
        axes.set_yticks(places, names)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("recall")
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)
        legend_above(axes, len(scores))
    return figure


def draw_calibration(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str
) -> Figure:
    """Accuracy against confidence, one line a model: (confidence, accuracy) of each bin."""
    with panel(title, 3.9) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
        for model, (confidence, accuracy) in curves.items():
            # Bins at an end are drawn whole, not cut in half by the frame.
            axes.plot(
                confidence, accuracy, marker="o", markersize=4, label=model.upper(), clip_on=False
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
        axes.grid(visible=True)
        legend_above(axes, len(curves))
    return figure
