"""What a network is trained to do: name an expression, or draw a face again.

An objective turns faces into inputs and outputs into a loss; the loop does the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.faces.augment import augment, flips
from pipeline.faces.cutmix import cutmix
from pipeline.faces.masks import fill_with_mean, random_patches
from pipeline.params import Augmentation, Train
from pipeline.training.face_set import FaceSet


@dataclass(frozen=True)
class Chosen:
    """The faces of one step, and the chance that changes them.

    Attributes:
        faces: all training faces.
        indices: which of them the step is about.
        epoch: from 0.
        generator: of random numbers, on the device of the faces.
        seed: decides the first side of alternating flips.
    """

    faces: FaceSet
    indices: Tensor
    epoch: int
    generator: torch.Generator
    seed: int

    def augmented(self, augmentation: Augmentation) -> Tensor:
        """The faces, changed at random: (n, 1, 48, 48) in 0..255."""
        mirrored = flips(self.indices, self.epoch, augmentation, self.seed, self.generator)
        inputs = self.faces.inputs(self.indices)
        return augment(inputs, augmentation, mirrored=mirrored, generator=self.generator)


@dataclass(frozen=True)
class Minibatch:
    """A few faces as the network sees them: inputs (n, 1, 48, 48) in 0..255, targets beside.

    Attributes:
        inputs: the faces.
        targets: of the first ones, or of all: classes, their probabilities, or faces to draw.
        guesses: of a teacher, probabilities for the other inputs, (m, classes).
    """

    inputs: Tensor
    targets: Tensor
    guesses: Tensor | None = None


Teacher = Callable[[Tensor], Tensor]
"""The average of the network's weights so far: from inputs to outputs, without gradients."""


class Objective(Protocol):
    """What the loop needs to know."""

    def training_batch(self, chosen: Chosen, teacher: Teacher) -> Minibatch:
        """Inputs and targets of some training faces, changed at random."""

    def validation_batch(self, faces: FaceSet, indices: Tensor) -> Minibatch:
        """Inputs and targets of some faces as they are."""

    def loss(self, outputs: Tensor, batch: Minibatch) -> Tensor:
        """What a step descends: a scalar, averaged over the batch."""

    def scores(self, outputs: Tensor, batch: Minibatch) -> dict[str, Tensor]:
        """Sums over the batch of what is reported; `loss` is always among them."""


@dataclass(frozen=True)
class Classification:
    """Name the expression: cross-entropy, with label smoothing while training.

    Attributes:
        augmentation: of training faces.
        label_smoothing: of their labels.
        cutmix: share of the training faces of which a square shows another face.
    """

    augmentation: Augmentation
    label_smoothing: float
    cutmix: float = 0.0

    @classmethod
    def of(cls, settings: Train) -> "Classification":
        """What a classifier of params.yaml learns."""
        return cls(settings.augmentation, settings.label_smoothing, settings.cutmix)

    def training_batch(self, chosen: Chosen, _teacher: Teacher) -> Minibatch:
        """Augmented faces and their labels, or probabilities where faces are mixed."""
        inputs = chosen.augmented(self.augmentation)
        labels = chosen.faces.labels[chosen.indices]
        if not self.cutmix:
            return Minibatch(inputs, labels)
        return Minibatch(*cutmix(inputs, labels, self.cutmix, generator=chosen.generator))

    def validation_batch(self, faces: FaceSet, indices: Tensor) -> Minibatch:
        """Faces as they are and their labels."""
        return Minibatch(faces.inputs(indices), faces.labels[indices])

    def loss(self, outputs: Tensor, batch: Minibatch) -> Tensor:
        """Smoothed cross-entropy (Szegedy et al. 2015, arXiv:1512.00567)."""
        return functional.cross_entropy(
            outputs.float(), batch.targets, label_smoothing=self.label_smoothing
        )

    def scores(self, outputs: Tensor, batch: Minibatch) -> dict[str, Tensor]:
        """Plain cross-entropy, so that it compares across smoothings, and right answers.

        A mixed face is named rightly by the expression that has most of it; its loss is at least
        what its two labels leave open.
        """
        targets = batch.targets
        labels = targets.argmax(dim=1) if targets.is_floating_point() else targets
        return {
            "loss": functional.cross_entropy(outputs.float(), targets, reduction="sum"),
            "accuracy": (outputs.argmax(dim=1) == labels).sum(),
        }


@dataclass(frozen=True)
class Reconstruction:
    """Draw the face again from a worse copy: mean squared error on a scale from 0 to 1.

    A denoising autoencoder (Vincent et al. 2008) with `noise` above 0; a masked one, which has to
    know faces to draw what it does not see (He et al. 2021, arXiv:2111.06377), with `mask_ratio`
    above 0; a plain one with neither.

    Attributes:
        augmentation: of the faces, before they are made worse.
        noise: standard deviation, as a share of the grey range.
        mask_ratio: share of each face that is covered with its mean, in squares of a grid.
    """

    augmentation: Augmentation
    noise: float
    mask_ratio: float

    def training_batch(self, chosen: Chosen, _teacher: Teacher) -> Minibatch:
        """Faces with noise and squares that are hidden, and the same faces without."""
        clean, generator = chosen.augmented(self.augmentation), chosen.generator
        speckle = torch.randn(clean.shape, generator=generator, device=clean.device)
        inputs = (clean + 255 * self.noise * speckle).clamp(0, 255)
        if self.mask_ratio:
            inputs = fill_with_mean(inputs, random_patches(inputs, self.mask_ratio, generator))
        return Minibatch(inputs, clean / 255)

    def validation_batch(self, faces: FaceSet, indices: Tensor) -> Minibatch:
        """Clean faces and themselves."""
        clean = faces.inputs(indices)
        return Minibatch(clean, clean / 255)

    def loss(self, outputs: Tensor, batch: Minibatch) -> Tensor:
        """Mean squared error."""
        return functional.mse_loss(outputs.float(), batch.targets)

    def scores(self, outputs: Tensor, batch: Minibatch) -> dict[str, Tensor]:
        """Squared error, a mean over the pixels of each face."""
        error = functional.mse_loss(outputs.float(), batch.targets, reduction="none")
        return {"loss": error.mean(dim=(1, 2, 3)).sum()}
