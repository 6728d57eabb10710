"""All that is said of one confusion matrix."""

import numpy as np
from numpy.typing import NDArray

from pipeline.confusion.confusion import (
    correlate,
    most_confused,
    negative_block,
    normalise_rows,
    pull,
    recalls,
)
from pipeline.confusion.result import Confusion
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Evaluate

PULLING = ("sad", "neutral")
"""Answers that networks are known to fall back on."""


def measure(
    counts: NDArray[np.int64], shares: NDArray[np.float64], settings: Evaluate
) -> Confusion:
    """Measure one matrix.

    Args:
        counts: test faces by true and predicted expression, (7, 7).
        shares: of each expression among the training faces, (7,).
        settings: of the bootstrap.
    """
    chance = {"resamples": settings.resamples, "seed": settings.seed}
    found, occurs = recalls(counts), counts.sum(axis=1) > 0
    return Confusion(
        rows="true",
        columns="predicted",
        classes=list(EXPRESSIONS),
        counts=counts.tolist(),
        shares=normalise_rows(counts).tolist(),
        most_confused=most_confused(counts),
        negative=negative_block(counts),
        pull={name: pull(counts, name, **chance) for name in PULLING},
        training_shares=shares.tolist(),
        recall_by_frequency=correlate(shares[occurs], found[occurs]),
    )
