"""Temperature scaling: one number that makes probabilities mean what they say.

It is fitted on validation faces, sharpens or flattens probabilities and changes no answer (Guo et
al. 2017, arXiv:1706.04599). It divides the logarithms of the probabilities: for a single network on
a single view that is the same as dividing its logits, and for the mean over views or members it is
what calibrates the mean (Rahaman and Thiery 2021, arXiv:2007.08792).
"""

import numpy as np

from pipeline.networks.mathematics import softmax
from pipeline.statistics.scores import Labels, Probabilities

LEAST, MOST = 0.05, 20.0
"""Bounds of a temperature: where no answer is wrong, the best would be 0."""

SMALLEST = float(np.finfo(np.float32).tiny)
"""A probability of 0 has no logarithm."""


def temper(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Probabilities (N, 7) at a temperature: above 1 flatter, below 1 sharper, of one order."""
    logits = np.log(np.maximum(probabilities, SMALLEST, dtype=np.float64))
    return softmax(logits / temperature).astype(np.float32)


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
