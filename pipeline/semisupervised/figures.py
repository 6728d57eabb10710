"""Accuracies with their intervals, as a picture."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from pipeline.figures.style import ACCENT, MUTED, WIDTH, entitle, style
from pipeline.statistics.intervals import Interval


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
