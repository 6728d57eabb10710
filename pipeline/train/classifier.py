"""The classifier to train, and how its training ended."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members
from pipeline.networks.layer_row import LayerRow
from pipeline.networks.matching import design, wanted_size
from pipeline.networks.networks import count_parameters
from pipeline.networks.table import tabulate
from pipeline.params import Fit, ModelName, Params
from pipeline.train.result import Trained
from pipeline.training.face_set import FaceSet
from pipeline.training.selection import TrainingProgress, epoch_chosen_on


def new_classifier(params: Params, model: ModelName, train: FaceSet) -> Classifier:
    """A classifier with the random weights that its seed gives.

    The training faces give the mean and deviation of the normalisation `dataset`.
    """
    settings = getattr(params.train, model)
    architecture = design(settings, wanted_size(params, model))
    if settings.normalisation == "dataset":
        mean, deviation = train.grey_levels()
        architecture = replace(architecture, mean=mean, deviation=deviation)
    torch.manual_seed(settings.seed)
    return Classifier(architecture)


def describe(
    classifier: Classifier, progress: TrainingProgress, settings: Fit, machine: Mapping[str, str]
) -> Trained:
    """The result of a training: of the network, and of the epoch whose weights were kept."""
    return Trained(
        parameters=count_parameters(classifier),
        epoch=progress.kept_epoch,
        validation_loss=progress.kept_row["validation_loss"],
        validation_accuracy=progress.kept_row["validation_accuracy"],
        epoch_chosen_on=epoch_chosen_on(settings),
        epochs=len(progress.history),
        passes=progress.history[-1]["passes"],
        width=classifier.architecture.width,
        layers=tabulate_members(classifier),
        machine=dict(machine),
    )


def tabulate_members(classifier: Classifier) -> list[LayerRow]:
    """The layers as a report lists them; those of an ensemble by members."""
    return [
        replace(row, name=f"{member}.{row.name}".removeprefix("."))
        for member, network in members(classifier.network).items()
        for row in tabulate(network)
    ]
