"""Learn to name faces changed a little, and in the same step other faces changed a lot.

Every classifier of the stage is shown the same: in each step as many faces, changed in the same
ways. Here the faces that are changed a lot are labelled ones, with their labels: the control, to
which `pipeline.semisupervised.consistency` is compared.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Augmentation
from pipeline.training.face_set import FaceSet
from pipeline.training.objectives import Chosen, Classification, Minibatch, Teacher


@dataclass(frozen=True, kw_only=True)
class WeakAndStrong(Classification):
    """Name labelled faces changed a little and, beside them, the faces of the loop changed a lot.

    Attributes:
        labelled: faces with labels, on the training device, of which some are drawn in each step.
        strong: the changes of the loop's faces; `augmentation` are the weak ones.
        weight: of the loop's faces in the loss, beside the labelled ones.
        labelled_share: labelled faces in a step, as a share of the loop's.
    """

    labelled: FaceSet
    strong: Augmentation
    weight: float
    labelled_share: float

    def training_batch(self, chosen: Chosen, teacher: Teacher) -> Minibatch:
        """Some labelled faces changed a little, then the chosen ones changed a lot."""
        count = labelled_in_step(len(chosen.indices), self.labelled_share)
        chance = chosen.generator
        drawn = torch.randint(len(self.labelled), (count,), generator=chance, device=chance.device)
        weak = replace(chosen, faces=self.labelled, indices=drawn).augmented(self.augmentation)
        answers = self.answers(chosen, teacher)
        strong = chosen.augmented(self.strong)
        return Minibatch(torch.cat([weak, strong]), self.labelled.labels[drawn], answers)

    def answers(self, chosen: Chosen, _teacher: Teacher) -> Tensor:
        """What is to be said of the chosen faces, probabilities (n, 7): here their labels."""
        labels, classes = chosen.faces.labels[chosen.indices], len(EXPRESSIONS)
        certain = functional.one_hot(labels, classes).float()
        return certain * (1 - self.label_smoothing) + self.label_smoothing / classes

    def loss(self, outputs: Tensor, batch: Minibatch) -> Tensor:
        """Cross-entropy of the labelled faces, and of the others with the answers for them."""
        weak, strong = outputs.float().tensor_split([len(batch.targets)])
        labelled = super().loss(weak, batch)
        if batch.guesses is None:
            return labelled
        # An answer that does not count is a row of zeros, which adds nothing to the sum.
        return labelled + self.weight * functional.cross_entropy(strong, batch.guesses)

    def scores(self, outputs: Tensor, batch: Minibatch) -> dict[str, Tensor]:
        """Of the faces changed a little, as if they were the whole batch."""
        weak = len(batch.targets)
        size = len(outputs) - weak or weak  # in validation there are no others
        labelled = super().scores(outputs[:weak], batch)
        return {name: value * (size / weak) for name, value in labelled.items()}


def labelled_in_step(batch: int, share: float) -> int:
    """How many labelled faces stand beside so many of the loop's."""
    return max(1, round(batch * share))
