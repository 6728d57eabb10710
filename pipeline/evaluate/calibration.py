"""Probabilities that mean what they say: temperature scaling, and how far it gets.

One number, the temperature, is fitted on validation faces; it sharpens or flattens probabilities
and changes no answer (Guo et al. 2017, arXiv:1706.04599). It divides the logarithms of the
probabilities: for a single network on a single view that is the same as dividing its logits, and
for the mean over views or members it is what calibrates the mean (Rahaman and Thiery 2021,
arXiv:2007.08792).
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.result import Calibration, CalibrationError, Reliability
from pipeline.statistics.intervals import HIGH, LOW, share_interval
from pipeline.statistics.scores import CALIBRATION_BINS, Labels, Probabilities

LEAST, MOST = 0.05, 20.0
"""Bounds of a temperature: where no answer is wrong, the best would be 0."""

SMALLEST = float(np.finfo(np.float32).tiny)
"""A probability of 0 has no logarithm."""


def temper(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Probabilities (N, 7) at a temperature: above 1 flatter, below 1 sharper, in the same order.

    Args:
        probabilities: of the classifier, the mean over views and members.
        temperature: as `fit_temperature` found it; at 1 they stay as they are.
    """
    scaled = np.log(np.maximum(probabilities, SMALLEST, dtype=np.float64)) / temperature
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    tempered: Probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    return tempered.astype(np.float32)


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """The temperature at which the log loss of these faces is least: (N, 7) and (N,), N >= 1."""
    from scipy.optimize import minimize_scalar  # slow, and readers of results need none

    logits = np.log(np.maximum(probabilities, SMALLEST, dtype=np.float64))
    margins = logits - logits[np.arange(len(labels)), labels][:, None]

    def log_loss(logarithm: float) -> float:
        # In the inverse temperature it is convex: there is one least.
        return float(np.logaddexp.reduce(margins * np.exp(-logarithm), axis=1).mean())

    bounds = (np.log(LEAST), np.log(MOST))
    found = minimize_scalar(log_loss, bounds=bounds, method="bounded", options={"xatol": 1e-5})
    return float(np.exp(found.x))


def calibrate(
    temperature: float, fitted_on: int, probabilities: Probabilities, labels: Labels,
    *, resamples: int, seed: int,
) -> Calibration:  # fmt: skip
    """What a temperature does to the probabilities of other faces, (N, 7) and (N,)."""
    chance = {"resamples": resamples, "seed": seed}
    return Calibration(
        temperature=temperature,
        fitted_on=fitted_on,
        before=measure_error(probabilities, labels, **chance),
        after=measure_error(temper(probabilities, temperature), labels, **chance),
    )


def measure_error(
    probabilities: Probabilities, labels: Labels, *, resamples: int, seed: int
) -> CalibrationError:
    """Expected calibration error with its interval, in 15 bins of equal width.

    It is never below what chance alone makes of so many faces, and resampling adds that chance once
    more. So the bootstrap is reflected about the figure (a basic interval, here with the normal
    approximation in each bin), and the lower end is 0 wherever a classifier that is calibrated
    perfectly would show as much.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = _bins(confidence, CALIBRATION_BINS)
    of_bins = _sums(bins, right - confidence)
    rng = np.random.default_rng(seed)

    def draw(centres: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = rng.standard_normal((resamples, CALIBRATION_BINS))
        gaps: NDArray[np.float64] = np.abs(centres + noise * np.sqrt(variances)).sum(axis=1)
        return gaps / len(labels)

    value = float(np.abs(of_bins).sum() / len(labels))
    low, high = np.percentile(draw(of_bins, _sums(bins, (right - confidence) ** 2)), [LOW, HIGH])
    by_chance = draw(np.zeros(CALIBRATION_BINS), _sums(bins, confidence * (1 - confidence)))
    is_chance = value <= np.percentile(by_chance, HIGH)
    return CalibrationError(
        value=value,
        low=0.0 if is_chance else max(0.0, 2 * value - float(high)),
        high=max(value, 2 * value - float(low)),
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
            accuracy=share_interval(int(right[number == each].sum()), int((number == each).sum())),
            faces=int((number == each).sum()),
        )
        for each in np.unique(number)
    ]


def _bins(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _sums(bins: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(bins, values, CALIBRATION_BINS).astype(np.float64)
