"""Train one classifier: `python -m pipeline train cnn` or `dnn`."""

from typing import cast

import numpy as np
import pandas as pd

from pipeline import layout
from pipeline.faces.store import read_faces, store_files
from pipeline.figures.history import draw_history
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.networks.matching import wanted_size
from pipeline.networks.store import save_classifier
from pipeline.params import ModelName, Params
from pipeline.shell import Stage
from pipeline.train.classifier import describe, new_classifier
from pipeline.training.checkpoints import Checkpoints, find_checkpoints
from pipeline.training.device import choose_compute
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification


def work(stage: Stage) -> None:
    """From faces and split to weights, history and the epoch that was kept."""
    model = model_of(stage.name)
    settings = getattr(stage.params.train, model)
    checkpoints = checkpoints_of(stage.params, model)
    checkpoints.remember("run", stage.record.identity)
    compute = choose_compute(stage.params.machine, checkpoints.remembered("precision"))
    machine = compute.describe()
    stage.runs_on(machine)
    train, validation = read_sets()
    classifier = new_classifier(stage.params, model, train)
    progress = fit(
        classifier, Classification.of(settings), train, validation, settings, compute,
        checkpoints=checkpoints, on_epoch=stage.record_epoch, title=stage.name,
    )  # fmt: skip
    folder, history = layout.folder(stage.name), pd.DataFrame(progress.history)
    save_classifier(classifier, folder, trained_on=machine)
    trained = describe(classifier, progress, settings, machine)
    write_json(folder / "train.json", trained)
    write_json(layout.metrics(stage.name), {model: trained.headline()})
    write_csv(folder / "history.csv", history)
    title = f"{classifier.architecture.title}, epoch by epoch"
    figure = draw_history(history, progress.kept_epoch, title)
    save(figure, layout.figures(stage.name) / "history.svg")
    stage.at_end.append(checkpoints.clear)


def read_sets() -> tuple[FaceSet, FaceSet]:
    """The training and the validation faces."""
    faces = read_faces(layout.LABELLED)
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    train, validation = (
        FaceSet.of(faces, np.flatnonzero(parts == part)) for part in ("train", "validation")
    )
    return train, validation


def checkpoints_of(params: Params, model: ModelName) -> Checkpoints:
    """The checkpoints of this very training."""
    settings = [getattr(params.train, model), params.machine, wanted_size(params, model)]
    return find_checkpoints(
        f"train@{model}", settings, [*store_files(layout.LABELLED), layout.SPLIT]
    )


def model_of(name: str) -> ModelName:
    """Which model a stage trains: `train@cnn` the CNN."""
    return cast(ModelName, name.split("@")[1])


def resume(name: str, params: Params) -> str | None:
    """The run that a killed stage recorded to, if this one continues it."""
    return checkpoints_of(params, model_of(name)).remembered("run")
