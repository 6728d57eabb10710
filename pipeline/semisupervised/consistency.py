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

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.semisupervised.params import Consistency
from pipeline.training.face_set import FaceSet
from pipeline.training.objectives import Batch, Chosen, Classification, Teacher


@dataclass(frozen=True, kw_only=True)
class ConsistentClassification(Classification):
    """Name the labelled faces, and unlabelled ones as the teacher does, however they are changed.

    The loop goes over the unlabelled faces; labelled ones are drawn beside them. `augmentation` is
    the weak one: of labelled faces, and of unlabelled ones when the teacher names them.

    Attributes:
        labelled: faces with labels, on the training device.
        thresholds: confidence from which a guess counts, of each expression, (7,).
        settings: of the method.
    """

    labelled: FaceSet
    thresholds: Tensor
    settings: Consistency

    def training_batch(self, chosen: Chosen, teacher: Teacher) -> Batch:
        """Some labelled faces, then unlabelled ones changed a lot and what the teacher guesses."""
        count = max(1, round(len(chosen.indices) * self.settings.labelled_share))
        chance = chosen.generator
        drawn = torch.randint(len(self.labelled), (count,), generator=chance, device=chance.device)
        named = replace(chosen, faces=self.labelled, indices=drawn).augmented(self.augmentation)
        guesses = self._guess(teacher(chosen.augmented(self.augmentation)))
        strong = chosen.augmented(self.settings.augmentation)
        return Batch(torch.cat([named, strong]), self.labelled.labels[drawn], guesses)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the labelled faces, and of the others with what was guessed of them."""
        named, strong = outputs.float().tensor_split([len(batch.targets)])
        labelled = super().loss(named, batch)
        if batch.guesses is None:
            return labelled
        # A guess that is not trusted is a row of zeros, which adds nothing to the sum.
        return labelled + self.settings.weight * functional.cross_entropy(strong, batch.guesses)

    def scores(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Of the labelled faces, as if they were the whole batch; how many guesses were trusted."""
        named = len(batch.targets)
        size = len(outputs) - named or named  # none are unlabelled in validation
        labelled = super().scores(outputs[:named], batch)
        found = {name: value * (size / named) for name, value in labelled.items()}
        if batch.guesses is not None:
            found["trusted"] = batch.guesses.any(dim=1).sum()
        return found

    def _guess(self, logits: Tensor) -> Tensor:
        """Sharpened probabilities, (n, 7); zeros for a face that the teacher is not sure of."""
        confidence, guess = logits.softmax(dim=1).max(dim=1)
        trusted = confidence >= self.thresholds[guess]
        return (logits / self.settings.temperature).softmax(dim=1) * trusted.unsqueeze(1)


def find_thresholds(labels: Tensor, settings: Consistency) -> Tensor:
    """How sure a guess must be, by expression: the rarer among the labels, the less.

    The most frequent expression needs `threshold`; one without a single face, `threshold` times
    1 - `rare`.

    Args:
        labels: of the labelled faces, (N,).
        settings: of the method.
    """
    counts = torch.bincount(labels, minlength=len(EXPRESSIONS)).float()
    lack = 1 - counts / counts.max()
    return settings.threshold * (1 - settings.rare * lack)
