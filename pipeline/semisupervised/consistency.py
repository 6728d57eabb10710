"""Learn from unlabelled faces by being consistent: a mean teacher with sharpened soft targets.

A face that is changed a little gets a guess from the average of the network's weights so far, a
teacher that is ahead of the network (Tarvainen & Valpola 2017, arXiv:1703.01780). The network must
say the same of the face changed a lot. The guess is sharpened and taught as probabilities:
expressions are not clear-cut, and few guesses are near certain.

With `threshold` above 0 guesses below it are left out, as in FixMatch (Sohn et al. 2020,
arXiv:2001.07685), which also takes each guess for certain. How sure is enough then depends on the
expression, as in FlexMatch (Zhang et al. 2021, arXiv:2110.08263): with one threshold for all,
expressions that are rare among the labels would hardly ever pass it, and be unlearned.
Thresholds follow from the labels alone and not from the course of the training, so that one that
was killed goes on as if it had not been.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.semisupervised.params import Consistency
from pipeline.semisupervised.weak_and_strong import WeakAndStrong
from pipeline.training.objectives import Chosen, Minibatch, Teacher


@dataclass(frozen=True, kw_only=True)
class ConsistentClassification(WeakAndStrong):
    """Name the labelled faces, and unlabelled ones as the teacher does, however they are changed.

    The loop goes over the unlabelled faces. The teacher names them changed as little as the
    labelled ones are; a guess counts from the threshold (7,) of its expression on.
    """

    thresholds: Tensor
    settings: Consistency

    def answers(self, chosen: Chosen, teacher: Teacher) -> Tensor:
        """The teacher's guesses, sharpened: zeros for a face that it is not sure of."""
        logits = teacher(chosen.augmented(self.augmentation))
        confidence, guess = logits.softmax(dim=1).max(dim=1)
        trusted = confidence >= self.thresholds[guess]
        return (logits / self.settings.temperature).softmax(dim=1) * trusted.unsqueeze(1)

    def scores(self, outputs: Tensor, batch: Minibatch) -> dict[str, Tensor]:
        """Those of the labelled faces; in training also how many guesses were trusted."""
        found = super().scores(outputs, batch)
        if batch.guesses is not None:
            found["trusted"] = batch.guesses.any(dim=1).sum()
        return found


def find_thresholds(labels: Tensor, settings: Consistency) -> Tensor:
    """How sure a guess must be, by expression: the rarer among the labels (N,), the less.

    The most frequent expression needs `threshold`; one without a single face, `threshold` times
    1 - `rare`.
    """
    counts = torch.bincount(labels, minlength=len(EXPRESSIONS)).float()
    lack = 1 - counts / counts.max()
    return settings.threshold * (1 - settings.rare * lack)
