"""Answers that may be left open: how right a classifier is where it is sure enough to answer."""

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.result import Answers
from pipeline.statistics.intervals import share_of
from pipeline.statistics.scores import Labels, Probabilities, among_two_likeliest
from pipeline.statistics.temperature import temper


def count_answers(
    probabilities: Probabilities, labels: Labels, threshold: float, temperature: float = 1.0
) -> Answers:
    """What comes of naming an expression from a threshold on, and else of saying "not sure".

    The threshold is of probabilities (N, 7) at the temperature, so that it means what it says. They
    are in the order that they have without it, where none is 0 by rounding. Labels are (N,).
    """
    sure = temper(probabilities, temperature).max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    among_two = among_two_likeliest(probabilities, labels)
    return Answers(
        answered=share_of(sure),
        right=share_of(right[sure]) if sure.any() else None,
        top2=share_of(among_two),
        top2_not_sure=None if sure.all() else share_of(among_two[~sure]),
    )


def coverage_curve(
    probabilities: Probabilities, labels: Labels, points: int = 100
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy among the most confident faces, by their share of all; each (points,) at most.

    Selective classification's accuracy and coverage (Geifman and El-Yaniv 2017, arXiv:1705.08500).
    It begins with 20 faces: before that it shows chance.
    """
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    faces = np.unique(np.linspace(min(20, len(right)), len(right), points).round().astype(np.int64))
    return faces / len(right), right.cumsum()[faces - 1] / faces
