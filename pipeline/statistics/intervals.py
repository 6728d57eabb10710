"""How certain a figure is: intervals of several kinds, and the paired test between two models."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Bootstrap
from pipeline.statistics.scores import Labels

LOW, HIGH = 2.5, 97.5
"""Percentiles of a 95 % interval."""

Clusters = NDArray[np.int64]
"""(N,): the number of the photograph that each face shows; faces of one are drawn together."""

Matrices = NDArray[np.integer]
"""(..., classes, classes): faces by true (row) and predicted (column) expression."""


@dataclass(frozen=True)
class Interval:
    """A figure and the 95 % interval around it."""

    value: float
    low: float
    high: float


def draw_matrices(
    labels: Labels, predicted: Labels, photographs: Clusters, bootstrap: Bootstrap
) -> NDArray[np.int64]:
    """Confusion matrices (1 + resamples, models, 7, 7) of what models name, (models, N).

    Row = true. First as they are, then as other photographs would make them. Whole photographs are
    drawn with replacement (the cluster bootstrap: Davison and Hinkley 1997, section 3.8): faces of
    one have much the same answers, so that they say less than as many others. With the same seed
    the same are drawn for all models.
    """
    _, shown = np.unique(photographs, return_inverse=True)
    classes, count = len(EXPRESSIONS), int(shown.max()) + 1
    cells, rng = labels * classes + predicted, np.random.default_rng(bootstrap.seed)
    times: NDArray[np.integer] = np.ones(count, np.int64)
    drawn = []
    for _ in range(1 + bootstrap.resamples):
        drawn.append([np.bincount(row, times[shown], classes**2) for row in cells])
        times = np.bincount(rng.integers(count, size=count), minlength=count)
    return np.array(drawn, np.int64).reshape(-1, len(predicted), classes, classes)


def accuracies(matrices: Matrices) -> NDArray[np.float64]:
    """Accuracy of each confusion matrix (..., classes, classes)."""
    shares: NDArray[np.float64] = np.trace(matrices, axis1=-2, axis2=-1) / matrices.sum((-2, -1))
    return shares


def macro_f1(matrices: Matrices) -> NDArray[np.float64]:
    """Macro-F1 of each confusion matrix (..., classes, classes), over the classes that occur."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    true, named = matrices.sum(axis=-1), matrices.sum(axis=-2)
    occurs = true > 0
    f1 = np.where(occurs, 2 * right / np.maximum(true + named, 1), 0)
    mean: NDArray[np.float64] = f1.sum(axis=-1) / occurs.sum(axis=-1)
    return mean


def mean_interval(values: NDArray[np.floating]) -> Interval:
    """Mean of some values (N,) with Student's interval, as wide as it has to be for few of them.

    A percentile bootstrap of 16 values would hold the mean 91 times of a hundred.
    """
    from scipy.stats import t  # slow, and readers of intervals need not pay it

    value, count = float(values.mean()), len(values)
    error = values.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    half = float(t.ppf(HIGH / 100, max(1, count - 1)) * error)
    return Interval(value, value - half, value + half)


def mcnemar_p(labels: Labels, first: Labels, second: Labels, photographs: Clusters) -> float:
    """McNemar's exact probability, where all faces of a photograph change sides together.

    If the models were alike, either could have had what the other has on a photograph. The
    distribution of the sum is exact, and McNemar's own where no photograph has two faces.
    """
    from scipy.stats import binom  # slow, and readers of intervals need not pay it

    gains = (first == labels).astype(np.int64) - (second == labels)
    _, shown = np.unique(photographs, return_inverse=True)
    of_each = np.abs(np.bincount(shown, gains).astype(np.int64))
    # How likely each sum is, from the least to the greatest that there could be.
    likely = np.ones(1)
    for size, count in zip(*np.unique(of_each[of_each > 0], return_counts=True), strict=True):
        steps = np.zeros(2 * size * count + 1)
        steps[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        likely = np.convolve(likely, steps)
    sums = np.arange(len(likely)) - len(likely) // 2
    return float(min(1.0, likely[np.abs(sums) >= abs(gains.sum())].sum()))


def share_interval(count: int, of: int, method: Literal["wilson", "exact"] = "wilson") -> Interval:
    """A share of at least one face with its interval, which holds for few and near 0 and 1, too.

    `wilson` is Wilson's score interval (1927), right on average; `exact` is Clopper's and Pearson's
    (1934), never too narrow, for who ranks by an end of it.
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


def share_percentiles(values: NDArray[np.floating], of: int) -> Interval:
    """As `percentile_interval`, of a share of so many that are independent.

    None or all of them are the same however they are drawn: these have Wilson's interval.
    """
    found = percentile_interval(values)
    return share_interval(round(found.value * of), of) if found.value in (0, 1) else found
