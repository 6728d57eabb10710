"""How good a classifier's probabilities are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS

Probabilities = NDArray[np.float32]
"""(N, 7), rows sum to 1."""

Labels = NDArray[np.integer]
"""(N,), 0..6."""

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassScores:
    """Scores of one expression. A class that was never predicted has precision 0."""

    precision: float
    recall: float
    f1: float
    faces: int


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one set of faces.

    Attributes:
        accuracy: share of right answers.
        macro_f1: mean F1 of the expressions that occur, each counting the same.
        top2: share whose label is among the two most probable.
        log_loss: mean negative log probability of the label, in nats.
        calibration_error: see `calibration_error`.
        per_class: by the expression's name.
    """

    accuracy: float
    macro_f1: float
    top2: float
    log_loss: float
    calibration_error: float
    per_class: dict[str, ClassScores]


def score(probabilities: Probabilities, labels: Labels) -> Scores:
    """All scores of probabilities (N, 7) against labels (N,); N is at least 1."""
    from sklearn.metrics import precision_recall_fscore_support  # 1 s, which readers need not pay

    predicted = probabilities.argmax(axis=1)
    present = np.unique(labels)
    everything = np.arange(len(EXPRESSIONS))
    precision, recall, f1, faces = precision_recall_fscore_support(
        labels, predicted, labels=everything, zero_division=0
    )
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return Scores(
        accuracy=float((predicted == labels).mean()),
        macro_f1=float(f1[present].mean()),
        top2=float(among_two_likeliest(probabilities, labels).mean()),
        log_loss=float(-np.log(np.clip(of_label, 1e-12, 1)).mean()),
        calibration_error=calibration_error(probabilities, labels),
        per_class={
            name: ClassScores(float(precision[k]), float(recall[k]), float(f1[k]), int(faces[k]))
            for k, name in enumerate(EXPRESSIONS)
        },
    )


def among_two_likeliest(probabilities: Probabilities, labels: Labels) -> NDArray[np.bool_]:
    """Whether the label of each face is one of its two most probable expressions, (N,)."""
    best_two = np.argpartition(probabilities, -2, axis=1)[:, -2:]
    found: NDArray[np.bool_] = (best_two == labels[:, None]).any(axis=1)
    return found


def confidence_bins(confidence: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    """The bin of equal width in which each confidence lies, (N,), from 0."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Expected calibration error: how far confidence is from accuracy, on average over faces.

    Faces are put into bins of equal width by the probability of their prediction; each bin
    counts by its faces (Guo et al. 2017, arXiv:1706.04599).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = confidence_bins(confidence, CALIBRATION_BINS)
    gap = np.bincount(number, weights=right - confidence.astype(np.float64))
    return float(np.abs(gap).sum() / len(labels))


def majority_accuracy(train: Labels, labels: Labels) -> float:
    """Accuracy of always naming the expression that is most frequent in training."""
    return float((labels == np.bincount(train).argmax()).mean())
