"""What unlabelled faces are worth: an autoencoder on all faces, labels for some.

Four answers on the same test faces: a classifier from random weights on the labelled faces, the
same classifier on the autoencoder's encoder, the same from random weights on all faces by being
consistent, and the majority class.
"""

from functools import partial

import pandas as pd
from torch import nn

from pipeline import layout
from pipeline.faces.store import read_faces, store_files
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.networks.inference import predict_probabilities, reconstruct
from pipeline.networks.store import save_weights
from pipeline.params import Params
from pipeline.semisupervised.figures import draw
from pipeline.semisupervised.measure import headline, measure
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.partial_labels import Material, arrange, choose_removed, remove_labels
from pipeline.semisupervised.trainings import (
    CLASSIFIERS,
    lesson,
    new_autoencoder,
    new_classifier,
    settings_of,
)
from pipeline.shell import Stage
from pipeline.training.checkpoints import Checkpoints, find_checkpoints
from pipeline.training.device import choose_compute, speeds
from pipeline.training.loop import fit
from pipeline.training.selection import Progress

REDRAWN = 8
"""Test faces in a figure."""


def work(stage: Stage) -> None:
    """From faces and split to the accuracy with and without unlabelled faces."""
    settings, scoring = stage.params.section(SemiSupervised), stage.params.evaluate
    checkpoints_of(stage.params, "autoencoder").remember("run", stage.record.identity)
    material = gather(settings)
    autoencoder = new_autoencoder(settings)
    drawn = train(stage, "autoencoder", autoencoder, material)
    guesses = {}
    for name in CLASSIFIERS:
        classifier = new_classifier(settings, autoencoder if name == "pretrained" else None)
        train(stage, name, classifier, material)
        guesses[name] = predict_probabilities(classifier, material.test_pixels, scoring.tta).argmax(
            axis=1
        )
    error = drawn.kept_row["validation_loss"]
    result = measure(settings, scoring, material, guesses, autoencoder, error)

    write_json(layout.folder(stage.name) / "semisupervised.json", result)
    write_json(layout.metrics(stage.name), {"semisupervised": headline(result, settings)})
    some = material.test_pixels[:REDRAWN]
    for name, figure in draw(result, some, reconstruct(autoencoder, some), drawn).items():
        save(figure, layout.figures(stage.name) / f"{name}.svg")


def gather(settings: SemiSupervised) -> Material:
    """Read the faces; the removed labels go no further than the line that reads them."""
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    faces = remove_labels(read_faces(layout.LABELLED), choose_removed(parts, settings))
    others = read_faces(layout.UNLABELLED) if settings.unlabelled_file else None
    return arrange(faces, parts, others)


def train(stage: Stage, name: str, model: nn.Module, material: Material) -> Progress:
    """One of the stage's trainings: its checkpoints, its history, its weights."""
    settings = stage.params.section(SemiSupervised)
    fit_settings, checkpoints = settings_of(name, settings), checkpoints_of(stage.params, name)
    compute = choose_compute(stage.params.machine, checkpoints.remembered("precision"))
    stage.runs_on(compute.describe() | speeds(stage.params.machine, compute))
    labelled = material.labelled.to(compute.device)
    objective, faces = lesson(name, settings, material.everything, labelled)
    progress = fit(
        model, objective, faces, material.validation, fit_settings, compute,
        checkpoints=checkpoints, on_epoch=partial(stage.record_epoch, of=f"{name}."), title=name,
        tell=lambda text: stage.tell(f"{name}: {text}"),
    )  # fmt: skip
    write_csv(layout.folder(stage.name) / f"{name}.csv", pd.DataFrame(progress.history))
    save_weights(model, layout.folder(stage.name) / f"{name}.safetensors")
    stage.at_end.append(checkpoints.clear)
    return progress


def checkpoints_of(params: Params, name: str) -> Checkpoints:
    """The checkpoints of this very training."""
    settings = [params.section(SemiSupervised), params.machine]
    files = [*store_files(layout.LABELLED), *store_files(layout.UNLABELLED), layout.SPLIT]
    return find_checkpoints(f"semisupervised@{name}", settings, files)


def resume(_name: str, params: Params) -> str | None:
    """The run that a killed stage recorded to, if this one continues it."""
    return checkpoints_of(params, "autoencoder").remembered("run")
