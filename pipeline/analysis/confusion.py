"""Which expressions are taken for which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.scores import Labels
from pipeline.data.expressions import EXPRESSIONS

Matrix = NDArray[np.floating]
"""(7, 7); row = true expression, column = predicted one."""


@dataclass(frozen=True)
class ConfusedPair:
    """How often one expression is taken for another.

    Attributes:
        true: the expression that it is.
        predicted: the one that it is taken for.
        faces: how many faces.
        share: of all faces of the true expression.
    """

    true: str
    predicted: str
    faces: int
    share: float


def count_confusion(labels: Labels, predicted: Labels) -> NDArray[np.int64]:
    """Faces by true (row) and predicted (column) expression, (7, 7)."""
    classes = len(EXPRESSIONS)
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def normalise_rows(counts: NDArray[np.integer]) -> Matrix:
    """Shares of each true expression: rows sum to 1, or are 0 where it does not occur."""
    shares: Matrix = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def most_confused(counts: NDArray[np.integer], pairs: int = 5) -> list[ConfusedPair]:
    """The wrong cells with the largest shares of their row, largest first."""
    shares = normalise_rows(counts)
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None, kind="stable")[:pairs]
    cells = [divmod(int(cell), len(EXPRESSIONS)) for cell in order]
    return [
        ConfusedPair(EXPRESSIONS[i], EXPRESSIONS[j], int(counts[i, j]), float(shares[i, j]))
        for i, j in cells
        if shares[i, j]
    ]
