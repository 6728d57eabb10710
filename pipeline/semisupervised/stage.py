"""What unlabelled faces are worth: three classifiers that meet them in different ways, compared."""

from functools import partial

import pandas as pd
from torch import nn

from pipeline import layout
from pipeline.faces.store import store_files
from pipeline.figures.style import save
from pipeline.files import write_csv, write_json
from pipeline.networks.inference import predict_probabilities, reconstruct
from pipeline.networks.store import save_weights
from pipeline.params import Params
from pipeline.semisupervised import trainings
from pipeline.semisupervised.figures import draw
from pipeline.semisupervised.measure import headline, measure
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.partial_labels import Material, gather
from pipeline.shell import Stage
from pipeline.training.checkpoints import Checkpoints, find_checkpoints
from pipeline.training.device import choose_compute
from pipeline.training.loop import fit
from pipeline.training.selection import Progress


def work(stage: Stage) -> None:
    """From faces and split to the accuracy with and without unlabelled faces."""
    settings, scoring = stage.params.section(SemiSupervised), stage.params.evaluate
    checkpoints_of(stage.params, "autoencoder").remember("run", stage.record.identity)
    material = gather(settings)
    autoencoder = trainings.new_autoencoder(settings)
    progress = train(stage, "autoencoder", autoencoder, material)
    guesses = {}
    for name in trainings.CLASSIFIERS:
        encoder = autoencoder if name == "pretrained" else None
        classifier = trainings.new_classifier(settings, encoder)
        train(stage, name, classifier, material)
        answers = predict_probabilities(classifier, material.test_pixels, scoring.tta)
        guesses[name] = answers.argmax(axis=1)
    result = measure(settings, scoring, material, guesses, autoencoder, progress)
    write_json(layout.folder(stage.name) / "semisupervised.json", result)
    write_json(layout.metrics(stage.name), {"semisupervised": headline(result, settings)})
    some = material.test_pixels[:8]
    for name, figure in draw(result, some, reconstruct(autoencoder, some), progress).items():
        save(figure, layout.figures(stage.name) / f"{name}.svg")


def train(stage: Stage, name: str, model: nn.Module, material: Material) -> Progress:
    """One of the stage's trainings: its checkpoints, its history, its weights."""
    settings, checkpoints = stage.params.section(SemiSupervised), checkpoints_of(stage.params, name)
    compute = choose_compute(stage.params.machine, checkpoints.remembered("precision"))
    stage.runs_on(compute.describe())
    labelled = material.labelled.to(compute.device)
    objective, faces = trainings.lesson(name, settings, material.everything, labelled)
    how, record = trainings.settings_of(name, settings), stage.record_epoch
    progress = fit(
        model, objective, faces, material.validation, how, compute,
        checkpoints=checkpoints, on_epoch=partial(record, of=f"{name}."), title=name,
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
