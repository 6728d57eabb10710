"""Curves and bars: training histories, scores per expression, class counts, comparisons."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.analysis.intervals import Interval
from pipeline.analysis.scores import Scores
from pipeline.data.expressions import EXPRESSIONS
from pipeline.figures.style import ACCENT, MUTED, SECOND, style


def draw_history(history: pd.DataFrame, best_epoch: int, title: str) -> Figure:
    """Loss, and accuracy where there is one, of training and validation by epoch.

    Args:
        history: one row an epoch, columns as `pipeline.training.loop.Row`.
        best_epoch: marked by a line, the epoch whose weights are kept.
        title: stands above the first panel.
    """
    panels = [kind for kind in ("loss", "accuracy") if f"validation_{kind}" in history]
    with style():
        figure = Figure(figsize=(3.9 * len(panels), 2.9))
        for number, kind in enumerate(panels, start=1):
            axes = figure.add_subplot(1, len(panels), number)
            for part, colour in (("train", SECOND), ("validation", ACCENT)):
                axes.plot(history["epoch"], history[f"{part}_{kind}"], color=colour, label=part)
            axes.axvline(best_epoch, color=MUTED, linestyle=":", linewidth=1)
            axes.set_xlabel("epoch")
            axes.set_ylabel(kind)
            axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
            axes.grid(visible=True)
            if number == 1:
                axes.legend()
                axes.set_title(title)
    return figure


def draw_recalls(scores: Mapping[str, Scores], title: str) -> Figure:
    """Recall of each expression, one bar a model, beside how many faces it rests on."""
    with style():
        figure = Figure(figsize=(7.6, 3.0))
        axes = figure.add_subplot()
        places = np.arange(len(EXPRESSIONS))
        width = 0.8 / len(scores)
        for number, (model, result) in enumerate(scores.items()):
            recalls = [result.per_class[name].recall for name in EXPRESSIONS]
            offset = (number - (len(scores) - 1) / 2) * width
            axes.bar(places + offset, recalls, width * 0.92, label=model)
        first = next(iter(scores.values()))
        names = [f"{name}\n{first.per_class[name].faces}" for name in EXPRESSIONS]
        axes.set_xticks(places, names)
        axes.set_ylim(0, 1)
        axes.set_ylabel("recall")
        axes.grid(visible=True, axis="y")
        axes.legend(ncols=len(scores), loc="upper right")
        axes.set_title(title)
    return figure


def draw_calibration(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str
) -> Figure:
    """Accuracy against confidence, one line a model: (confidence, accuracy) of each bin."""
    with style():
        figure = Figure(figsize=(3.8, 3.4))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
        for model, (confidence, accuracy) in curves.items():
            axes.plot(confidence, accuracy, marker="o", markersize=4, label=model)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
        axes.grid(visible=True)
        axes.legend(loc="upper left")
        axes.set_title(title)
    return figure


def draw_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> Figure:
    """Faces of each expression in each part, stacked: part -> expression -> faces."""
    with style():
        figure = Figure(figsize=(7.6, 2.8))
        axes = figure.add_subplot()
        base = np.zeros(len(EXPRESSIONS))
        for part, of_part in counts.items():
            faces = np.array([of_part[name] for name in EXPRESSIONS])
            axes.bar(EXPRESSIONS, faces, 0.7, bottom=base, label=part)
            base += faces
        for place, total in enumerate(base):
            axes.annotate(f"{total:.0f}", (place, total), ha="center", va="bottom", fontsize=8)
        axes.set_ylabel("faces")
        axes.legend(ncols=len(counts), loc="upper right")
        axes.set_title(title)
        axes.margins(y=0.15)
    return figure


def draw_intervals(figures: Mapping[str, Interval], reference: float, title: str) -> Figure:
    """Accuracies with their 95 % intervals, one row each, and a dotted line to compare with."""
    with style():
        figure = Figure(figsize=(7.0, 0.8 + 0.42 * len(figures)))
        axes = figure.add_subplot()
        for row, interval in enumerate(figures.values()):
            axes.plot([interval.low, interval.high], [row, row], color=ACCENT, linewidth=2)
            axes.plot(interval.value, row, "o", color=ACCENT)
            axes.annotate(
                f"{interval.value:.1%}", (interval.value, row), xytext=(0, 6),
                textcoords="offset points", ha="center", fontsize=8,
            )  # fmt: skip
        axes.axvline(reference, color=MUTED, linestyle=":", linewidth=1)
        axes.annotate(
            "majority class", (reference, 1), xycoords=("data", "axes fraction"), xytext=(4, -2),
            textcoords="offset points", va="top", fontsize=8, color=MUTED,
        )  # fmt: skip
        axes.set_yticks(range(len(figures)), list(figures))
        axes.invert_yaxis()
        axes.margins(y=0.35)
        axes.set_xlabel("accuracy")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_title(title)
    return figure
