"""How good a classifier's probabilities are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS

Probabilities = NDArray[np.float32]
"""(N, 7), rows sum to 1."""

Labels = NDArray[np.integer]
"""(N,), 0..6."""


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
        log_loss: mean negative log probability of the label, in nats.
        per_class: by the expression's name.
    """

    accuracy: float
    macro_f1: float
    log_loss: float
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
        log_loss=float(-np.log(np.clip(of_label, 1e-12, 1)).mean()),
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


def majority_accuracy(train: Labels, labels: Labels) -> float:
    """Accuracy of always naming the expression that is most frequent in training."""
    return float((labels == np.bincount(train).argmax()).mean())
