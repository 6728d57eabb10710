"""The stage's trainings with one seed, each with its checkpoints, its history and its weights."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from pipeline import layout
from pipeline.faces.store import store_files
from pipeline.files import write_csv
from pipeline.networks.autoencoder import Autoencoder
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import save_weights
from pipeline.params import Params
from pipeline.semisupervised import trainings
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.partial_labels import Material, gather
from pipeline.shell import Stage
from pipeline.training.checkpoints import Checkpoints, find_checkpoints
from pipeline.training.device import choose_compute
from pipeline.training.loop import fit
from pipeline.training.selection import TrainingProgress


@dataclass(frozen=True)
class Learned:
    """What the trainings with one seed gave; `guesses` are (N,) of each classifier."""

    material: Material
    autoencoder: Autoencoder
    progress: TrainingProgress
    guesses: dict[str, NDArray[np.int64]]


def learn(stage: Stage, settings: SemiSupervised) -> Learned:
    """The four trainings with one seed, which also draws the faces with labels if that is asked."""
    material, guesses = gather(settings), {}
    autoencoder = trainings.new_autoencoder(settings)
    progress = train(stage, "autoencoder", autoencoder, material, settings)
    for name in trainings.CLASSIFIERS:
        encoder = autoencoder if name == "pretrained" else None
        classifier = trainings.new_classifier(settings, encoder)
        train(stage, name, classifier, material, settings)
        tta = stage.params.evaluate.tta
        answers = predict_probabilities(classifier, material.test_pixels, tta)
        guesses[name] = answers.argmax(axis=1)
    return Learned(material, autoencoder, progress, guesses)


def train(
    stage: Stage, name: str, model: nn.Module, material: Material, settings: SemiSupervised
) -> TrainingProgress:
    """One training: its checkpoints, its history, its weights."""
    how = trainings.settings_of(name, settings)
    checkpoints, title = checkpoints_of(stage.params, name, settings), f"{name}-{how.seed}"
    compute = choose_compute(stage.params.machine, checkpoints.remembered("precision"))
    stage.runs_on(compute.describe())
    labelled = material.labelled.to(compute.device)
    objective, faces = trainings.lesson(name, settings, material.everything, labelled)
    record = partial(stage.record_epoch, of=f"{title}.")
    progress = fit(
        model, objective, faces, material.validation, how, compute,
        checkpoints=checkpoints, on_epoch=record, title=title,
    )  # fmt: skip
    folder = layout.folder(stage.name) / "trainings"
    write_csv(folder / f"{title}.csv", pd.DataFrame(progress.history))
    save_weights(model, folder / f"{title}.safetensors")
    stage.at_end.append(checkpoints.clear)
    return progress


def checkpoints_of(params: Params, name: str, settings: SemiSupervised) -> Checkpoints:
    """The checkpoints of this very training."""
    stores = [*store_files(layout.LABELLED), *store_files(layout.UNLABELLED)]
    files = [*stores, layout.PHOTOGRAPHS, layout.SPLIT]
    training = f"semisupervised@{name}-{trainings.settings_of(name, settings).seed}"
    return find_checkpoints(training, [settings, params.machine], files)
