"""How far probabilities mean what they say, before and after a temperature."""

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.result import Calibration, CalibrationError, Reliability
from pipeline.params import Bootstrap
from pipeline.statistics.intervals import HIGH, LOW, share_of
from pipeline.statistics.scores import Labels, Probabilities
from pipeline.statistics.temperature import temper

_BINS = 15


def calibrate(
    temperature: float, fitted_on: int, probabilities: Probabilities, labels: Labels,
    bootstrap: Bootstrap,
) -> Calibration:  # fmt: skip
    """What a temperature does to the probabilities of other faces, (N, 7) and (N,)."""
    return Calibration(
        temperature=temperature,
        fitted_on=fitted_on,
        before=measure_error(probabilities, labels, bootstrap),
        after=measure_error(temper(probabilities, temperature), labels, bootstrap),
    )


def measure_error(
    probabilities: Probabilities, labels: Labels, bootstrap: Bootstrap
) -> CalibrationError:
    """Expected calibration error with its interval, in 15 bins of equal width.

    Each bin counts by its faces (Guo et al. 2017, arXiv:1706.04599). The error is never below what
    chance alone makes of so many faces, and resampling adds that chance once more. So the bootstrap
    is reflected about the figure (a basic interval, here with the normal approximation in each
    bin), and the lower end is 0 wherever a classifier that is calibrated perfectly would show as
    much.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = _bins(confidence, _BINS)
    of_bins = _sums(bins, right - confidence)
    rng = np.random.default_rng(bootstrap.seed)

    def draw(centres: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = rng.standard_normal((bootstrap.resamples, _BINS))
        gaps: NDArray[np.float64] = np.abs(centres + noise * np.sqrt(variances)).sum(axis=1)
        return gaps / len(labels)

    value = float(np.abs(of_bins).sum() / len(labels))
    low, high = np.percentile(draw(of_bins, _sums(bins, (right - confidence) ** 2)), [LOW, HIGH])
    by_chance = draw(np.zeros(_BINS), _sums(bins, confidence * (1 - confidence)))
    is_chance = value <= np.percentile(by_chance, HIGH)
    return CalibrationError(
        value=value,
        low=0.0 if is_chance else max(0.0, 2 * value - float(high)),
        high=min(1.0, max(value, 2 * value - float(low))),
        by_chance=float(by_chance.mean()),
    )


def reliability(probabilities: Probabilities, labels: Labels, bins: int = 10) -> list[Reliability]:
    """Confidence and accuracy of the faces in each bin that holds some, least confident first."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    number = _bins(confidence, bins)
    return [
        Reliability(
            confidence=float(confidence[number == each].mean()),
            accuracy=share_of(right[number == each]),
            faces=int((number == each).sum()),
        )
        for each in np.unique(number)
    ]


def _sums(bins: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(bins, values, _BINS).astype(np.float64)


def _bins(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin of equal width in which each confidence lies, (N,), from 0."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)
