"""Which expressions are taken for which."""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from pipeline.confusion.result import (
    ConfusedPair,
    ConfusionResult,
    Correlation,
    NegativeBlock,
    Pull,
)
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.statistics.intervals import (
    Interval,
    percentile_interval,
    share_interval,
    share_percentiles,
)

Matrix = NDArray[np.floating]
"""(7, 7); row = true expression, column = predicted one."""

NEGATIVE = ("angry", "disgust", "fear", "sad")
"""The unpleasant expressions, which people confuse with one another, too."""

PULLING = ("sad", "neutral")
"""Answers that networks are known to fall back on."""


def measure(matrices: NDArray[np.int64], shares: NDArray[np.float64]) -> ConfusionResult:
    """All that the study says of the first of these matrices (1 + resamples, 7, 7).

    The others are as other test faces would make it; `shares` (7,) are of the training faces.
    """
    counts = matrices[0]
    found, occurs = recalls(counts), counts.sum(axis=1) > 0
    return ConfusionResult(
        rows="true",
        columns="predicted",
        classes=list(EXPRESSIONS),
        counts=counts.tolist(),
        shares=normalise_rows(counts).tolist(),
        most_confused=most_confused(counts),
        negative=negative_block(matrices),
        pull={name: pull(matrices, name) for name in PULLING},
        training_shares=shares.tolist(),
        recall_by_frequency=correlate(shares[occurs], found[occurs]),
    )


def normalise_rows(counts: NDArray[np.integer]) -> Matrix:
    """Shares of each true expression: rows sum to 1, or are 0 where it does not occur."""
    shares: Matrix = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def recalls(counts: NDArray[np.integer]) -> NDArray[np.floating]:
    """Share of each expression's faces that is named rightly, (7,); NaN where it does not occur."""
    return np.where(counts.sum(axis=1) > 0, np.diagonal(normalise_rows(counts)), np.nan)


def most_confused(counts: NDArray[np.integer], pairs: int = 5) -> list[ConfusedPair]:
    """The wrong cells that are certain to have a large share of their row, the largest first.

    They are ranked by the lower end of their interval: one face of one is no more than 3 % then,
    and does not come before 30 of 60.
    """
    faces = counts.sum(axis=1)
    found = [
        ConfusedPair(EXPRESSIONS[i], EXPRESSIONS[j], n, share_interval(n, int(faces[i]), "exact"))
        for (i, j), n in ((cell, int(counts[cell])) for cell in np.ndindex(counts.shape))
        if n and i != j
    ]
    return sorted(found, key=lambda pair: -pair.share.low)[:pairs]


def negative_block(matrices: NDArray[np.integer]) -> NegativeBlock:
    """Part the answers for negative faces into right, wrong among themselves, and beyond.

    From (1 + resamples, 7, 7); without such a face the shares are of nothing, and 0.
    """
    places = [EXPRESSIONS.index(name) for name in NEGATIVE]
    rows = matrices[:, places]
    inside = rows[:, :, places]
    faces, named = rows.sum(axis=(1, 2)), inside.sum(axis=(1, 2))
    right = np.trace(inside, axis1=1, axis2=2)
    parts = {"right": right, "within": named - right, "beyond": faces - named}
    of = np.maximum(faces, 1)
    outside = rows[0].sum(axis=1) - inside[0].sum(axis=1)
    return NegativeBlock(
        counts=np.column_stack([inside[0], outside]).tolist(),
        **{name: share_percentiles(part / of, int(of[0])) for name, part in parts.items()},
    )


def pull(matrices: NDArray[np.integer], expression: str) -> Pull:
    """How many faces an answer draws to itself: (1 + resamples, 7, 7), of one face at least."""
    place, total = EXPRESSIONS.index(expression), matrices.sum(axis=(1, 2))
    rows = matrices.sum(axis=2)
    taken = matrices[:, :, place].sum(axis=1) - matrices[:, place, place]
    wrong = rows - np.diagonal(matrices, axis1=1, axis2=2)
    errors = np.maximum(wrong.sum(axis=1), 1)
    # An error on a face of another expression could have been any of the others but the true one.
    likely = wrong * rows[:, [place]] / np.maximum(total[:, None] - rows, 1)
    likely[:, place] = 0
    others, expected = np.maximum(total - rows[:, place], 1), likely.sum(axis=1) / errors
    of_errors = share_percentiles(taken / errors, int(errors[0]))
    excess = percentile_interval(taken / errors - expected)
    if of_errors.value in (0, 1):  # drawn anew, none or all of few errors say nothing of chance
        ends = np.array([of_errors.low, of_errors.high]) - expected[0]
        excess = Interval(excess.value, *ends.tolist())
    return Pull(
        of_others=share_percentiles(taken / others, int(others[0])),
        of_errors=of_errors,
        expected=float(expected[0]),
        excess=excess,
    )


def correlate(first: NDArray[np.floating], second: NDArray[np.floating]) -> Correlation:
    """Correlate two rows of a number for each expression (N,): seven at most."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Correlation(None, None, None, None)
    return Correlation(*_correlate(first, second), *_correlate(rankdata(first), rankdata(second)))


def _correlate(first: NDArray[np.floating], second: NDArray[np.floating]) -> tuple[float, float]:
    """Pearson's r, and the share of all orders of one row that are as far from 0.

    Student's t is for many numbers: it says p = 0 of the ranks of three that rise.
    """
    one, other = first - first.mean(), second - second.mean()
    found = np.abs(np.array(list(permutations(other))) @ one)
    p = float((found >= abs(one @ other) * (1 - 1e-9)).mean())
    return float(np.corrcoef(first, second)[0, 1]), p
