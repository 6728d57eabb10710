"""How certain a difference is between two ways to train, each trained with several seeds.

Faces and seeds are both drawn by chance. Photographs of test faces are drawn anew by the bootstrap,
the same ones for every training. Seeds are too few for that: drawn anew, two hold the truth 50
times of a hundred and three 75 times, where faces do not matter. So the mean over the seeds is
given the chance of Student's t, from the spread of what each seed found, paired: both ways share
seed, labels and first weights. That holds it 95 times, and up to 99 times where faces matter most:
their chance is in what each seed found, too.

With one seed there is no such spread, and an interval covers the chance of the faces alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.params import Bootstrap
from pipeline.statistics.intervals import (
    Clusters,
    Interval,
    accuracies,
    draw_matrices,
    macro_f1,
    mcnemar_p,
    percentile_interval,
    share_percentiles,
)
from pipeline.statistics.scores import Labels


@dataclass(frozen=True)
class Difference:
    """Two models on the same faces.

    Accuracy and macro-F1 of the first less that of the second, the faces that only one of them gets
    right, and McNemar's exact two-sided probability of a split at least as uneven by chance, over
    photographs.
    """

    accuracy: Interval
    macro_f1: Interval
    first_only: int
    second_only: int
    p: float


@dataclass(frozen=True)
class TrainingsDifference:
    """Two ways to train, on the same faces and with the same seeds.

    Mean accuracy and macro-F1 of the first less that of the second, and the difference of the
    accuracies with each seed; p, two-sided, is McNemar's of a single training, else the interval's.
    """

    accuracy: Interval
    macro_f1: Interval
    each: list[float]
    p: float


def mean_accuracy_and_f1(
    labels: Labels, predicted: Labels, photographs: Clusters, bootstrap: Bootstrap
) -> tuple[Interval, Interval]:
    """Mean accuracy and macro-F1 of one or more trainings' predictions (seeds, N)."""
    drawn, shown = draw_matrices(labels, predicted, photographs, bootstrap), np.unique(photographs)
    accuracy, f1 = (
        # Student's chance of few seeds knows no bounds; a share has some.
        share_percentiles(mean_over_seeds(score(drawn), bootstrap.seed).clip(0, 1), len(shown))
        for score in (accuracies, macro_f1)
    )
    return accuracy, f1


def compare_trainings(
    labels: Labels, first: Labels, second: Labels, photographs: Clusters, bootstrap: Bootstrap
) -> TrainingsDifference:
    """Compare predictions (seeds, N) for the same faces, row by row of the same seed."""
    both = draw_matrices(labels, np.concatenate([first, second]), photographs, bootstrap)
    one, other = np.split(both, 2, axis=1)
    gains, f1 = (score(one) - score(other) for score in (accuracies, macro_f1))
    drawn, gained = (mean_over_seeds(each, bootstrap.seed).clip(-1, 1) for each in (gains, f1))
    p = mcnemar_p(labels, first[0], second[0], photographs) if len(first) == 1 else _p(drawn)
    return TrainingsDifference(
        percentile_interval(drawn), percentile_interval(gained), gains[0].tolist(), p
    )


def compare(
    labels: Labels, first: Labels, second: Labels, photographs: Clusters, bootstrap: Bootstrap
) -> Difference:
    """Compare two models' predictions (N,) for the same faces: paired, as they share them."""
    gain = compare_trainings(labels, first[None], second[None], photographs, bootstrap)
    first_right, second_right = first == labels, second == labels
    return Difference(
        gain.accuracy,
        gain.macro_f1,
        first_only=int((first_right & ~second_right).sum()),
        second_only=int((second_right & ~first_right).sum()),
        p=gain.p,
    )


def mean_over_seeds(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The mean of values (1 + resamples, seeds), each resample with a chance of the seeds, too."""
    mean: NDArray[np.float64] = values.mean(axis=1)
    count = values.shape[1]
    if count == 1:
        return mean
    error = values[0].std(ddof=1) / np.sqrt(count)
    # Another chance than that of the faces, which comes from the same seed.
    chance = np.random.default_rng([seed, count]).standard_t(count - 1, size=len(mean) - 1)
    mean[1:] += error * chance
    return mean


def _p(drawn: NDArray[np.float64]) -> float:
    """Two-sided, from draws (1 + resamples,) around a difference: never below what they can say."""
    below, above = (drawn[1:] <= 0).sum(), (drawn[1:] >= 0).sum()
    return float(min(1.0, 2 * (1 + min(below, above)) / len(drawn)))


def holm(p: list[float]) -> list[float]:
    """P values corrected for how many there are (Holm 1979), in the order that they came in."""
    order, corrected, least = np.argsort(p, kind="stable"), [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p) - rank) * p[place]))
        corrected[place] = least
    return corrected
