"""Faces through the code, the answers with their intervals, the autoencoder's curve."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.face_grid import draw_grid
from pipeline.figures.history import draw_history
from pipeline.figures.style import ACCENT, MUTED, panel
from pipeline.semisupervised.result import SemiSupervisedResult
from pipeline.statistics.intervals import Interval
from pipeline.training.selection import TrainingProgress


def draw(
    result: SemiSupervisedResult,
    faces: NDArray[np.uint8],
    redrawn: NDArray[np.float32],
    progress: TrainingProgress,
) -> dict[str, Figure]:
    """All figures of the stage by their names; of a few test faces, as they are and redrawn."""
    answers = {
        "labelled faces only": result.labelled_only,
        "with an autoencoder\non all faces": result.pretrained,
        "consistent\non all faces": result.consistent,
    }
    return {
        "reconstructions": draw_grid(
            [faces, redrawn], ["face", "redrawn"],
            f"Test faces through a code of {result.code:,} numbers",
        ),
        "accuracy": draw_intervals(
            answers, result.majority_accuracy,
            f"Accuracy with {result.labelled_faces:,} labels (test faces)",
        ),
        "autoencoder": draw_history(
            pd.DataFrame(progress.history), progress.kept_epoch, "autoencoder, epoch by epoch"
        ),
    }  # fmt: skip


def draw_intervals(figures: Mapping[str, Interval], reference: float, title: str) -> Figure:
    """Accuracies with their 95 % intervals, one row each, and a dotted line to compare with."""
    with panel(title, 1.0 + 0.5 * len(figures)) as (figure, axes):
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
    return figure
