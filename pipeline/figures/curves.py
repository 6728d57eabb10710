"""Curves and bars: training histories, scores per expression, class counts, comparisons."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import ACCENT, MUTED, SECOND, WIDTH, entitle, style
from pipeline.statistics.intervals import Interval
from pipeline.statistics.scores import Scores


def draw_history(history: pd.DataFrame, best_epoch: int, title: str) -> Figure:
    """Loss, and accuracy where there is one, of training and validation by epoch.

    Args:
        history: one row an epoch, columns as `pipeline.training.loop.Row`.
        best_epoch: marked by a line, the epoch whose weights are kept.
        title: stands above.
    """
    panels = [kind for kind in ("loss", "accuracy") if f"validation_{kind}" in history]
    with style():
        figure = Figure(figsize=(WIDTH, 0.7 + 1.7 * len(panels)))
        rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axes, kind in zip(rows, panels, strict=True):
            for part, colour in (("train", SECOND), ("validation", ACCENT)):
                axes.plot(history["epoch"], history[f"{part}_{kind}"], color=colour, label=part)
            axes.axvline(best_epoch, color=MUTED, linestyle=":", linewidth=1)
            axes.set_ylabel(kind)
            axes.grid(visible=True)
        rows[-1].set_xlabel("epoch")
        rows[-1].xaxis.get_major_locator().set_params(integer=True)
        _legend_above(rows[0], 2)
        entitle(figure, title)
    return figure


def draw_recalls(scores: Mapping[str, Scores], title: str) -> Figure:
    """Recall of each expression, one bar a model, beside how many faces it rests on."""
    first = next(iter(scores.values()))
    names = [f"{name} ({first.per_class[name].faces})" for name in EXPRESSIONS]
    places = np.arange(len(EXPRESSIONS))
    thickness = 0.8 / len(scores)
    with style():
        figure = Figure(figsize=(WIDTH, 3.9))
        axes = figure.add_subplot()
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
        _legend_above(axes, len(scores))
        entitle(figure, title)
    return figure


def draw_calibration(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str
) -> Figure:
    """Accuracy against confidence, one line a model: (confidence, accuracy) of each bin."""
    with style():
        figure = Figure(figsize=(WIDTH, 3.9))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
        for model, (confidence, accuracy) in curves.items():
            # Bins at an end are drawn whole, not cut in half by the frame.
            axes.plot(
                confidence, accuracy, marker="o", markersize=4, label=model.upper(), clip_on=False
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")
        axes.grid(visible=True)
        _legend_above(axes, len(curves))
        entitle(figure, title)
    return figure


def draw_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> Figure:
    """Faces of each expression in each part, stacked: part -> expression -> faces."""
    with style():
        figure = Figure(figsize=(WIDTH, 3.3))
        axes = figure.add_subplot()
        base = np.zeros(len(EXPRESSIONS))
        for part, of_part in counts.items():
            faces = np.array([of_part[name] for name in EXPRESSIONS])
            axes.barh(EXPRESSIONS, faces, 0.7, left=base, label=part)
            base += faces
        for place, total in enumerate(base):
            axes.annotate(
                f"{total:,.0f}", (total, place), xytext=(4, 0), textcoords="offset points",
                va="center", fontsize=8,
            )  # fmt: skip
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlabel("faces")
        axes.margins(x=0.14)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.get_major_locator().set_params(nbins=5)  # type: ignore[call-arg]
        _legend_above(axes, len(counts))
        entitle(figure, title)
    return figure


def draw_intervals(figures: Mapping[str, Interval], reference: float, title: str) -> Figure:
    """Accuracies with their 95 % intervals, one row each, and a dotted line to compare with."""
    with style():
        figure = Figure(figsize=(WIDTH, 1.0 + 0.5 * len(figures)))
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
            "majority class", (reference, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", ha="center", va="bottom", fontsize=8, color=MUTED,
        )  # fmt: skip
        axes.set_yticks(range(len(figures)), list(figures))
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.margins(y=0.35)
        axes.set_xlabel("accuracy")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        entitle(figure, title)
    return figure


def _legend_above(axes: Axes, entries: int) -> None:
    """A legend between title and panel, where no line or bar can lie beneath it."""
    axes.legend(
        ncols=entries, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2,
        borderpad=0, handlelength=1.2, fontsize=9,
    )  # fmt: skip
