"""The classifier to train, its layers as a table, and the numbers of its training."""

from dataclasses import asdict, replace

import pandas as pd
import torch

from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members
from pipeline.networks.matching import design, wanted_size
from pipeline.networks.networks import count_parameters
from pipeline.networks.table import tabulate
from pipeline.params import Fit, ModelName, Params
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


def headline(
    classifier: Classifier, progress: TrainingProgress, settings: Fit
) -> dict[str, object]:
    """The few numbers of a training: of the network, and of the epoch whose weights were kept.

    Beside them, which faces chose that epoch, and which gave the numbers.
    """
    return {
        "parameters": count_parameters(classifier),
        "epoch": progress.kept_epoch,
        "validation_loss": progress.kept_row["validation_loss"],
        "validation_accuracy": progress.kept_row["validation_accuracy"],
        "epoch_chosen_on": epoch_chosen_on(settings),
        "epoch_measured_on": "validation",
    }


def layer_table(classifier: Classifier) -> pd.DataFrame:
    """The layers as a report lists them: name, kind, output shape, counts.

    Those of an ensemble are its members' one after another: name `member2.conv1`.
    """
    rows = [
        replace(row, name=f"{member}.{row.name}".removeprefix("."))
        for member, network in members(classifier.network).items()
        for row in tabulate(network)
    ]
    table = pd.DataFrame([asdict(row) for row in rows])
    return table.assign(shape=[" x ".join(map(str, shape)) for shape in table["shape"]])
