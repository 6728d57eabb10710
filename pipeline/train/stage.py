"""Train one classifier: `python -m pipeline train cnn` or `dnn`."""

import argparse
import sys
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import torch

from pipeline import layout, shell
from pipeline.errors import UserError
from pipeline.faces.store import read_faces, store_files
from pipeline.figures.history import draw_history
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.ensemble import members
from pipeline.networks.matching import design, wanted_size
from pipeline.networks.networks import count_parameters
from pipeline.networks.store import DESCRIPTION, WEIGHTS, save_classifier
from pipeline.networks.table import tabulate
from pipeline.params import MODELS, ModelName, Params, Train
from pipeline.tracking.fetching import CLASSIFIER
from pipeline.training.checkpoints import Checkpoints
from pipeline.training.compute import Compute, choose, speeds
from pipeline.training.distributed import World, is_first, join_world, start_others
from pipeline.training.fingerprint import fingerprint
from pipeline.training.loop import Progress, Row, fit
from pipeline.training.selection import epoch_chosen_on
from pipeline.training.tasks import Classification, FaceSet


def work(stage: shell.Stage, model: ModelName) -> None:
    """From faces and split to weights, history and the epoch that was kept."""
    settings = getattr(stage.params.train, model)
    checkpoints = find_checkpoints(stage.params, model)
    compute = choose(settings, checkpoints.remembered("precision"))
    with join_world(compute.device) as world:
        if world.is_first:
            stage.runs_on({**compute.describe(), "processes": str(world.size)})
            stage.runs_on(speeds(settings, compute))
            checkpoints.remember("run", stage.journal.run)
            checkpoints.remember("precision", compute.precision)
        classifier, progress = train(stage, model, compute, checkpoints, world)
        if world.is_first:
            keep(stage, model, compute, classifier, progress)
            stage.at_end.append(checkpoints.clear)


def train(
    stage: shell.Stage, model: ModelName, compute: Compute, checkpoints: Checkpoints, world: World
) -> tuple[Classifier, Progress]:
    """Fit a new classifier; it ends with the weights of the epoch that was kept."""
    settings = getattr(stage.params.train, model)
    sets = load_sets(compute.device)
    architecture = describe(settings, wanted_size(stage.params, model), sets["train"])
    torch.manual_seed(settings.seed)
    classifier = Classifier(architecture)

    def on_epoch(row: Row) -> None:
        scores = {name: value for name, value in row.items() if name != "epoch"}
        stage.journal.metrics(scores, step=int(row["epoch"]))

    task = Classification.of(settings)
    progress = fit(
        classifier, task, sets["train"], sets["validation"], settings, compute,
        checkpoints=checkpoints, on_epoch=on_epoch, title=stage.name, world=world, tell=stage.tell,
    )  # fmt: skip
    return classifier, progress


def keep(
    stage: shell.Stage,
    model: ModelName,
    compute: Compute,
    classifier: Classifier,
    progress: Progress,
) -> None:
    """Write what came of a training, and record it."""
    folder = layout.folder(stage.name)
    history = pd.DataFrame(progress.history)
    kept = progress.kept_row
    save_classifier(classifier, folder, trained_on=compute.describe())
    write_csv(folder / "history.csv", history)
    write_csv(folder / "layers.csv", layer_table(classifier))
    numbers = {
        "parameters": count_parameters(classifier),
        "epoch": int(kept["epoch"]),
        "validation_loss": kept["validation_loss"],
        "validation_accuracy": kept["validation_accuracy"],
    }
    settings = getattr(stage.params.train, model)
    roles = {"epoch_chosen_on": epoch_chosen_on(settings), "epoch_measured_on": "validation"}
    write_json(layout.metrics(stage.name), {model: numbers | roles})
    title = f"{classifier.architecture.title}, epoch by epoch"
    figure = draw_history(history, int(kept["epoch"]), title)
    save(figure, layout.figures(stage.name) / "history.svg")

    stage.journal.metrics(numbers)
    stage.journal.artifact(layout.figures(stage.name) / "history.svg", "figures")
    for name in ("history.csv", "layers.csv"):
        stage.journal.artifact(folder / name)
    for name in (WEIGHTS, DESCRIPTION):
        stage.journal.artifact(folder / name, CLASSIFIER)


def load_sets(device: torch.device) -> dict[str, FaceSet]:
    """The faces of each part of the split, on the device."""
    faces = read_faces(layout.LABELLED)
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    labels = faces.labels.astype(np.int64)
    return {
        part: FaceSet(
            torch.from_numpy(faces.pixels[parts == part]).to(device),
            torch.from_numpy(labels[parts == part]).to(device),
        )
        for part in ("train", "validation")
    }


def describe(settings: Train, size: int, train: FaceSet) -> Architecture:
    """The classifier to build.

    Args:
        settings: of its training.
        size: how many parameters it shall have; 0 leaves that to its design.
        train: `dataset` needs the grey levels of the training faces.
    """
    architecture = design(settings, size)
    if settings.normalisation != "dataset":
        return architecture
    # From a histogram: as floats, the pixels would take eight times their memory.
    counts = torch.bincount(train.pixels.flatten(), minlength=256).cpu().numpy()
    levels = np.arange(256)
    mean = float(np.average(levels, weights=counts))
    deviation = float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))
    return replace(architecture, mean=round(mean, 4), deviation=round(deviation, 4))


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


def find_checkpoints(params: Params, model: ModelName) -> Checkpoints:
    """The checkpoints of this very training: same data, parameters and code."""
    files = [*store_files(layout.LABELLED), layout.SPLIT]
    size = str(wanted_size(params, model))
    made_from = fingerprint(getattr(params.train, model), files, also=size, stages=["train"])
    return Checkpoints(layout.CHECKPOINTS / f"train-{model}", made_from)


def main() -> None:
    """Do what the command line says, with `STUDY_PROCESSES` as several processes."""
    parser = argparse.ArgumentParser(prog="python -m pipeline train")
    parser.add_argument("model", choices=MODELS)
    chosen, others = parser.parse_known_args()
    name: ModelName = chosen.model
    try:
        start_others(["-m", "pipeline", "train", *sys.argv[1:]])
    except UserError as error:
        parser.exit(1, f"train@{name}: error: {error}\n")
    shell.run(
        f"train@{name}",
        lambda stage: work(stage, name),
        heavy=True,
        own_params=lambda params: getattr(params.train, name).model_dump(),
        resume=lambda params: find_checkpoints(params, name).remembered("run"),
        arguments=others,
        first=is_first(),
    )
