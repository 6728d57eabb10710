"""Learn from unlabelled faces by being consistent: FixMatch (Sohn et al. 2020, arXiv:2001.07685).

A face that is changed a little gets a name from the network itself. If the network is sure of it,
it must give the same name to the same face changed a lot. How sure is enough depends on the
expression, as in FlexMatch (Zhang et al. 2021, arXiv:2110.08263): with one threshold for all,
expressions that are rare among the labels would hardly ever pass it, and be unlearned. Here the
thresholds follow from the labels alone and not from the course of the training, so that one that
was killed goes on as if it had not been.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.data.expressions import EXPRESSIONS
from pipeline.params import Augmentation, Consistency
from pipeline.training.tasks import Batch, FaceSet, augmented


@dataclass(frozen=True)
class ConsistentClassification:
    """Name the labelled faces, and name unlabelled ones alike however they are changed.

    The loop goes over the unlabelled faces; labelled ones are drawn beside them.

    Attributes:
        labelled: faces with labels, on the training device.
        thresholds: confidence from which a guess counts, of each expression, (7,).
        weak: changes of labelled faces, and of unlabelled ones when the network names them.
        label_smoothing: of the labelled faces.
        settings: of the method.
        seed: decides the first side of alternating flips.
    """

    labelled: FaceSet
    thresholds: Tensor
    weak: Augmentation
    label_smoothing: float
    settings: Consistency
    seed: int

    def training_batch(
        self, faces: FaceSet, indices: Tensor, epoch: int, generator: torch.Generator
    ) -> Batch:
        """Some labelled faces, then unlabelled ones changed a little, then the same a lot."""
        count = max(1, round(len(indices) * self.settings.labelled_share))
        drawn = torch.randint(
            len(self.labelled), (count,), generator=generator, device=generator.device
        )
        parts = [
            augmented(self.labelled, drawn, epoch, generator, self.weak, self.seed),
            augmented(faces, indices, epoch, generator, self.weak, self.seed),
            augmented(faces, indices, epoch, generator, self.settings.augmentation, self.seed),
        ]
        return Batch(torch.cat(parts), self.labelled.labels[drawn])

    def validation_batch(self, faces: FaceSet, indices: Tensor) -> Batch:
        """Faces as they are and their labels."""
        return Batch(faces.pixels[indices].unsqueeze(1).float(), faces.labels[indices])

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the labelled faces, and of the guesses that are sure enough."""
        named, weak, strong = self._parts(outputs, batch)
        labelled = functional.cross_entropy(
            named, batch.targets, label_smoothing=self.label_smoothing
        )
        guesses, trusted = self._trust(weak)
        unlabelled = functional.cross_entropy(strong, guesses, reduction="none")
        return labelled + self.settings.weight * (unlabelled * trusted).mean()

    def scores(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Of the labelled faces, as if they were the whole batch; how many guesses were trusted."""
        named, weak, _ = self._parts(outputs, batch)
        if not len(weak):  # validation
            weak, size = named, len(named)
        else:
            size = len(weak)
        right = (named.argmax(dim=1) == batch.targets).float().mean()
        return {
            "loss": functional.cross_entropy(named, batch.targets) * size,
            "accuracy": right * size,
            "trusted": self._trust(weak)[1].sum(),
        }

    def _parts(self, outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        labelled = len(batch.targets)
        unlabelled = (len(outputs) - labelled) // 2
        named, weak, strong = outputs.float().split([labelled, unlabelled, unlabelled])
        return named, weak, strong

    def _trust(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The guess for each face, and whether (0 or 1) it is sure enough."""
        confidence, guesses = logits.detach().softmax(dim=1).max(dim=1)
        return guesses, (confidence >= self.thresholds[guesses]).float()


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
