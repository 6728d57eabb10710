"""How much each training of a configuration computes, counted and not timed.

Machines differ tenfold; operations do not. They are torch's own count (`FlopCounterMode`: products
and convolutions, a multiplication and an addition apart) of one pass of the loop that trains, over
a few faces, times the faces of all passes: with the checks on validation faces after each.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.networks.classifier import Classifier
from pipeline.networks.matching import design, wanted_size
from pipeline.params import MODELS, Fit, Params
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.trainings import (
    TRAININGS,
    lesson,
    new_autoencoder,
    new_classifier,
    settings_of,
)
from pipeline.training.device import Compute
from pipeline.training.ema import AveragedModel
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import evaluate, train_epoch
from pipeline.training.objectives import Classification, Objective
from pipeline.training.optimiser import make_optimiser

FEW = 16
"""Faces for each member of an ensemble: as few as keep the parts of a batch in proportion."""

CPU = Compute(torch.device("cpu"), torch.float32, compiled=False)


@dataclass(frozen=True)
class Sizes:
    """How many faces there are, about: the split keeps copies together, so some more or fewer.

    Attributes:
        train: that train.
        validation: that each epoch is checked by.
        unlabelled: of the source's other file.
    """

    train: int
    validation: int
    unlabelled: int

    @classmethod
    def of(cls, params: Params, labelled: int, unlabelled: int) -> "Sizes":
        """The faces of a source, as `split` parts them."""
        held_out = round(labelled * params.split.held_out)
        validation = round(held_out * params.split.validation)
        refit = round(validation * params.split.refit_fraction)
        return cls(labelled - held_out + refit, validation - refit, unlabelled)


def count_trainings(params: Params, sizes: Sizes) -> dict[str, float]:
    """Floating point operations of each training of the study, by its name."""
    found = {}
    for model in MODELS:
        settings = getattr(params.train, model)
        classifier = Classifier(design(settings, wanted_size(params, model)))
        task = Classification.of(settings)
        found[f"train@{model}"] = _count(classifier, task, settings, sizes.train, sizes)
    semi = params.section(SemiSupervised)
    faces = sizes.train + semi.unlabelled_file * sizes.unlabelled
    for name in TRAININGS:
        objective, _ = lesson(name, semi, _faces(FEW), _faces(FEW))
        network = new_autoencoder(semi) if name == "autoencoder" else new_classifier(semi, None)
        count = _count(network, objective, settings_of(name, semi), faces, sizes)
        found[f"semisupervised.{name}"] = semi.seeds * count
    return found


def _faces(count: int) -> FaceSet:
    labels = torch.arange(count) % len(EXPRESSIONS)
    return FaceSet(torch.zeros(count, SIDE, SIDE, dtype=torch.uint8), labels)


def _count(
    model: nn.Module, objective: Objective, settings: Fit, faces: int, sizes: Sizes
) -> float:
    """Operations of a whole training over so many faces."""
    few = _faces(FEW * getattr(settings, "ensemble", 1))
    short = settings.model_copy(update={"batch": len(few), "epochs": 1})
    average = AveragedModel(model, settings.ema_decay)
    with FlopCounterMode(display=False) as training:
        train_epoch(model, objective, few, short, CPU, 0, make_optimiser(model, short), average)
    with FlopCounterMode(display=False) as checking:
        evaluate(model, objective, few, CPU)
    batch = min(settings.batch, faces)
    each: float = training.get_total_flops() * (faces // batch * batch)
    each += checking.get_total_flops() * sizes.validation
    return settings.epochs * each / len(few)
