"""How certain a figure is: bootstrap intervals and the paired test between two models."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.params import Bootstrap
from pipeline.statistics.scores import Labels

LOW, HIGH = 2.5, 97.5
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True)
class Interval:
    """A figure and the 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Two models on the same faces.

    Attributes:
        accuracy: accuracy of the first less that of the second.
        macro_f1: macro-F1 likewise.
        first_only: faces that only the first gets right.
        second_only: faces that only the second gets right.
        p: McNemar's exact two-sided probability of a split at least as uneven by chance.
    """

    accuracy: Interval
    macro_f1: Interval
    first_only: int
    second_only: int
    p: float


def accuracy_and_f1(
    labels: Labels, predicted: Labels, bootstrap: Bootstrap
) -> tuple[Interval, Interval]:
    """Accuracy and macro-F1 of predictions (N,), with percentile bootstrap intervals over faces."""
    classes = int(max(labels.max(), predicted.max())) + 1
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    matrices = resample_counts(cells, bootstrap).reshape(-1, classes, classes)
    accuracy = np.trace(matrices, axis1=1, axis2=2) / len(labels)
    return percentile_interval(accuracy), percentile_interval(macro_f1(matrices))


def resample_counts(counts: NDArray[np.integer], bootstrap: Bootstrap) -> NDArray[np.int64]:
    """Counts (K,) of faces of K kinds, and what they would be if faces were drawn anew.

    Drawing N faces with replacement changes only how many there are of each kind, and those counts
    are multinomial: drawing them instead of faces gives the same distribution thousands of times as
    fast.

    Returns:
        (1 + resamples, K): first the counts themselves.
    """
    total = int(counts.sum())
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.multinomial(total, counts / total, bootstrap.resamples)
    return np.concatenate([counts[None], drawn])


def macro_f1(matrices: NDArray[np.integer]) -> NDArray[np.float64]:
    """Macro-F1 of confusion matrices (M, classes, classes), over the classes that occur: (M,)."""
    right = np.diagonal(matrices, axis1=1, axis2=2)
    true, named = matrices.sum(axis=2), matrices.sum(axis=1)
    occurs = true > 0
    f1 = np.where(occurs, 2 * right / np.maximum(true + named, 1), 0)
    mean: NDArray[np.float64] = f1.sum(axis=1) / occurs.sum(axis=1)
    return mean


def mean_interval(values: NDArray[np.floating], bootstrap: Bootstrap) -> Interval:
    """Mean of some values (N,) with a percentile bootstrap interval."""
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.integers(len(values), size=(bootstrap.resamples, len(values)))
    return percentile_interval(np.concatenate([[values.mean()], values[drawn].mean(axis=1)]))


def compare(labels: Labels, first: Labels, second: Labels, bootstrap: Bootstrap) -> Difference:
    """Compare two models' predictions (N,) for the same faces: paired, as they share them."""
    from scipy.stats import binomtest  # slow, and readers of intervals need not pay it

    first_right, second_right = first == labels, second == labels
    wins = int((first_right & ~second_right).sum())
    losses = int((second_right & ~first_right).sum())
    ties = len(labels) - wins - losses
    counts = resample_counts(np.array([wins, losses, ties]), bootstrap)
    gains = (counts @ np.array([1, -1, 0])) / len(labels)
    # A face that is drawn brings both its answers along.
    classes = int(max(labels.max(), first.max(), second.max())) + 1
    cells = np.bincount((labels * classes + first) * classes + second, minlength=classes**3)
    cubes = resample_counts(cells, bootstrap).reshape(-1, classes, classes, classes)
    f1 = percentile_interval(macro_f1(cubes.sum(axis=3)) - macro_f1(cubes.sum(axis=2)))
    p = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    return Difference(percentile_interval(gains), f1, wins, losses, float(p))


def share_interval(count: int, of: int, method: Literal["wilson", "exact"] = "wilson") -> Interval:
    """A share with its interval, which holds for few faces and near 0 and 1, too.

    Args:
        count: faces that have it.
        of: how many there are, at least 1.
        method: `wilson` is Wilson's score interval (1927), right on average; `exact` is Clopper's
            and Pearson's (1934), never too narrow, for who ranks by an end of it.
    """
    from scipy.stats import binomtest  # slow, and readers of intervals need not pay it

    ends = binomtest(count, of).proportion_ci(confidence_level=(HIGH - LOW) / 100, method=method)
    return Interval(count / of, float(ends.low), float(ends.high))


def share_of(hits: NDArray[np.bool_]) -> Interval:
    """The share of the true among some, at least one, with Wilson's interval."""
    return share_interval(int(hits.sum()), len(hits))


def share_difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Interval | None:
    """Share of the true among some faces less that among other ones; none where there are none.

    With Newcombe's interval from the two of Wilson (1998, method 10).
    """
    if not (len(first) and len(second)):
        return None
    one, other = share_of(first), share_of(second)
    value = one.value - other.value
    return Interval(
        value,
        value - float(np.hypot(one.value - one.low, other.high - other.value)),
        value + float(np.hypot(one.high - one.value, other.value - other.low)),
    )


def percentile_interval(values: NDArray[np.floating]) -> Interval:
    """An interval from values (1 + resamples,): first the figure itself, then its resamples."""
    low, high = np.percentile(values[1:], [LOW, HIGH])
    return Interval(float(values[0]), float(low), float(high))
