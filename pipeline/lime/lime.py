"""LIME: which segments of a face decide, from a linear model of a network's answers.

Local interpretable model-agnostic explanations (Ribeiro et al. 2016, arXiv:1602.04938): hide
segments at random, and fit a linear model from shown or hidden to the network's probability of one
class, in which faces with little hidden count more. Of the network only its answers are used.

The authors' own package `lime` was last released in 2020, wants colour pictures and brings its own
segmentation. Its settings for pictures are used: distances, their kernel and the ridge regression.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict

from pipeline.lime.segments import Segments

Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""Grey levels (n, 48, 48) to class probabilities (n, classes)."""

_KERNEL = 0.25
"""Width of the similarity kernel, in cosine distances; `lime` has it for pictures."""

_PENALTY = 1.0
"""Of the ridge regression: next to nothing against hundreds of samples."""

_FOLDS = 10
"""Of the cross-validation. On the samples that it was fitted to, 200 for 40 weights, a model
explains a fifth even of pure chance."""

_BATCH = 64
"""Faces in one pass of the network; a wide one needs 100 MiB for these."""

_SAME = 1e-6
"""Probabilities that differ by less are equal: what is left is rounding in 32 bits."""


@dataclass(frozen=True)
class LinearModel:
    """From shown or hidden segments to the probability of a class.

    Attributes:
        weights: of each segment, (segments,): how much the probability of the class rises when the
            segment is shown, all others being equal.
        r2: share of the variance that the linear model explains over samples that it was not fitted
            to, a tenth of them at a time, weighted as they are: 0 where weights tell nothing, and
            below where they mislead; None where the network's answer never changed.
    """

    weights: NDArray[np.float64]
    r2: float | None


def fit_linear_model(
    predict: Predict,
    face: NDArray[np.uint8],
    segments: Segments,
    target: int,
    *,
    samples: int,
    seed: int,
) -> LinearModel:
    """Explain the probability of the class `target` for one face (48, 48).

    From so many samples, in which each segment (48, 48) is hidden with even chance.
    """
    shown = _draw_shown(samples, int(segments.max()) + 1, seed)
    faces = np.where(shown.numpy()[:, segments] > 0, face, hide(face)).copy(order="C")
    batches = (faces[start : start + _BATCH] for start in range(0, samples, _BATCH))
    y = np.concatenate([predict(batch)[:, target] for batch in batches]).astype(np.float64)
    x = shown.double().numpy()
    if np.ptp(y) < _SAME:
        return LinearModel(np.zeros(x.shape[1]), None)
    weight = _similarity(shown).double().numpy()
    ridge, folds = Ridge(alpha=_PENALTY), min(_FOLDS, samples)
    told = cross_val_predict(ridge, x, y, cv=folds, params={"sample_weight": weight})
    r2 = float(r2_score(y, told, sample_weight=weight))
    return LinearModel(ridge.fit(x, y, sample_weight=weight).coef_, r2)


def hide(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What replaces the hidden parts of a face (48, 48): its mean grey level all over.

    Not the segment's own mean: segments are of nearly one grey level, so that a dark brow painted
    in its mean would still be a dark brow.
    """
    return np.full_like(face, round(float(face.mean())))


def keep(face: NDArray[np.uint8], segments: Segments, kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The face with all but some segments hidden."""
    return np.where(np.isin(segments, kept), face, hide(face))


def strongest(weights: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """The segments that weigh most, for or against, largest first; those of weight 0 never."""
    order = np.argsort(-np.abs(weights), kind="stable")[:count]
    chosen: NDArray[np.int64] = order[weights[order] != 0].astype(np.int64)
    return chosen


def jaccard(first: NDArray[np.int64], second: NDArray[np.int64]) -> float | None:
    """Share of the segments in either choice that are in both; None where both are empty."""
    either = len(np.union1d(first, second))
    return len(np.intersect1d(first, second)) / either if either else None


def correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    """Pearson's, of all weights; None where the weights of one do not differ."""
    if min(np.ptp(first), np.ptp(second)) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _draw_shown(samples: int, segments: int, seed: int) -> torch.Tensor:
    """Which segments each sample shows, (samples, segments), 1 or 0 with even chance."""
    generator, half = torch.Generator().manual_seed(seed), torch.full((1, segments), 0.5)
    return torch.cat([torch.bernoulli(half, generator=generator) for _ in range(samples)])


def _similarity(shown: torch.Tensor) -> torch.Tensor:
    """How alike each sample is to the whole face: 1 for the face itself, down to 0."""
    # The cosine between a row of ones and a row with k ones of n.
    distance = 1 - (shown.sum(dim=1) / shown.shape[1]).sqrt()
    return torch.exp(-(distance**2) / (2 * _KERNEL**2))
