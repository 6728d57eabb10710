"""Recall of each expression, calibration and coverage, as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluate.answers import coverage_curve
from pipeline.evaluate.calibration import reliability
from pipeline.evaluate.result import Answers, Evaluated, Reliability
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import MUTED, legend_above, panel
from pipeline.statistics.intervals import Interval
from pipeline.statistics.scores import Labels, Probabilities, Scores
from pipeline.statistics.temperature import temper


def draw(
    models: Mapping[str, Evaluated], probabilities: Mapping[str, Probabilities], labels: Labels
) -> dict[str, Figure]:
    """All pictures of the stage, by name, from each model's probabilities of the test faces."""
    calibrated = {
        model: temper(found, models[model].calibration.temperature)
        for model, found in probabilities.items()
    }
    return {
        "recall": draw_recalls({model: found.test for model, found in models.items()}),
        "calibration": draw_calibration(
            {model: reliability(found, labels) for model, found in probabilities.items()},
            {model: reliability(found, labels) for model, found in calibrated.items()},
        ),
        "coverage": draw_coverage(
            {model: coverage_curve(found, labels) for model, found in calibrated.items()},
            {model: found.answers for model, found in models.items()},
        ),
    }


def draw_recalls(scores: Mapping[str, Scores]) -> Figure:
    """Recall of each expression, one bar a model, beside how many faces it rests on."""
    first = next(iter(scores.values()))
    names = [f"{name} ({first.per_class[name].faces})" for name in EXPRESSIONS]
    places = np.arange(len(EXPRESSIONS))
    thickness = 0.8 / len(scores)
    with panel("Recall of each expression (test faces)", 3.9) as (figure, axes):
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
    before: Mapping[str, Sequence[Reliability]], after: Mapping[str, Sequence[Reliability]]
) -> Figure:
    """A reliability diagram, a colour a model: as trained dashed, at its temperature with bars."""
    with panel("Can confidence be trusted?", 3.9) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
        for number, (model, bins) in enumerate(after.items()):
            colour = f"C{number}"
            axes.plot(
                [each.confidence for each in before[model]],
                [each.accuracy.value for each in before[model]],
                color=colour, linestyle="--", linewidth=1,
            )  # fmt: skip
            axes.errorbar(
                [each.confidence for each in bins],
                [each.accuracy.value for each in bins],
                _ends([each.accuracy for each in bins]),
                # Bins at an end are drawn whole, not cut in half by the frame.
                color=colour, marker="o", markersize=4, elinewidth=1, label=model.upper(),
                clip_on=False,
            )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
        axes.grid(visible=True)
        legend_above(axes, len(after))
    return figure


def draw_coverage(
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    answers: Mapping[str, Answers],
) -> Figure:
    """Accuracy against the share of faces that are answered, and where the threshold lies."""
    with panel("What answers are worth if some are left open", 3.9) as (figure, axes):
        for number, (model, (coverage, accuracy)) in enumerate(curves.items()):
            axes.plot(coverage, accuracy, color=f"C{number}", label=model.upper())
            found = answers[model]
            if found.right:
                axes.errorbar(
                    [found.answered.value], [found.right.value], _ends([found.right]),
                    color=f"C{number}", marker="o", markersize=5, elinewidth=1, clip_on=False,
                )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="share of the faces that is answered")
        axes.set_ylabel("accuracy among these")
        axes.grid(visible=True)
        legend_above(axes, len(curves))
    return figure


def _ends(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far intervals reach below and above their figures, as error bars want it."""
    return [
        [max(0.0, each.value - each.low) for each in intervals],
        [max(0.0, each.high - each.value) for each in intervals],
    ]
