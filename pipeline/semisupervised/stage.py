"""What unlabelled faces are worth: an autoencoder on all faces, labels for some.

Four answers on the same test faces: a classifier from random weights on the labelled faces, the
same classifier on the autoencoder's encoder, the same from random weights on all faces by being
consistent, and the majority class.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from pipeline import layout, shell
from pipeline.faces.store import read_faces, store_files
from pipeline.figures.face_grid import draw_grid
from pipeline.figures.history import draw_history
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.networks.autoencoder import Autoencoder
from pipeline.networks.inference import predict_probabilities, reconstruct
from pipeline.networks.networks import count_parameters
from pipeline.networks.store import save_weights
from pipeline.params import Fit, Params
from pipeline.semisupervised.figures import draw_intervals
from pipeline.semisupervised.params import SemiSupervised
from pipeline.statistics.intervals import Interval, accuracy_and_f1, compare
from pipeline.statistics.scores import majority_accuracy
from pipeline.training.checkpoints import Checkpoints
from pipeline.training.compute import choose, speeds
from pipeline.training.fingerprint import fingerprint
from pipeline.training.loop import Progress, Row, fit
from pipeline.training.removal import Material, arrange, choose_removed, remove_labels
from pipeline.training.selection import epoch_chosen_on
from pipeline.training.tasks import FaceSet, Task
from pipeline.training.transfer import (
    classification,
    consistency,
    new_autoencoder,
    new_classifier,
    reconstruction,
)

TRAININGS = ("autoencoder", "labelled_only", "pretrained", "consistent")
RECONSTRUCTIONS = 8


def work(stage: shell.Stage) -> None:
    """From faces and split to the accuracy with and without unlabelled faces."""
    settings = stage.params.semisupervised
    checkpoints = find_checkpoints(stage.params)
    first = checkpoints["autoencoder"]
    compute = choose(settings.autoencoder, first.remembered("precision"))
    stage.runs_on(compute.describe() | speeds(settings.autoencoder, compute))
    first.remember("run", stage.journal.run)
    material = gather(stage.params)

    autoencoder = new_autoencoder(settings)
    drawn = train(
        stage, "autoencoder", autoencoder, reconstruction(settings), material.everything,
        material.validation, settings.autoencoder, checkpoints["autoencoder"],
    )  # fmt: skip
    guesses = {}
    for start in TRAININGS[1:]:
        classifier = new_classifier(settings, autoencoder if start == "pretrained" else None)
        if start == "consistent":
            faces, fit = material.everything, settings.consistency.fit
            device = choose(fit).device
            task: Task = consistency(settings, material.labelled.to(device))
        else:
            faces, fit, task = material.labelled, settings.classifier, classification(settings)
        train(stage, start, classifier, task, faces, material.validation, fit, checkpoints[start])
        guesses[start] = predict_probabilities(
            classifier, material.test_pixels, stage.params.evaluate.views
        ).argmax(axis=1)

    results = measure(stage.params, material, guesses, autoencoder, drawn)
    write_json(layout.folder(stage.name) / "semisupervised.json", results)
    headline = {start: results[start]["value"] for start in guesses}
    macro_f1 = {start: results["macro_f1"][start]["value"] for start in guesses}
    write_json(
        layout.metrics(stage.name),
        {"semisupervised": headline | {"macro_f1": macro_f1} | roles(settings)},
    )
    stage.journal.metrics({f"test.{start}": value for start, value in headline.items()})
    draw(stage, results, material, autoencoder, drawn)
    stage.at_end.extend(each.clear for each in checkpoints.values())


def roles(settings: SemiSupervised) -> dict[str, Any]:
    """Which faces chose something in these trainings, and which gave the figures."""
    epochs = {
        "autoencoder": epoch_chosen_on(settings.autoencoder),
        "labelled_only": epoch_chosen_on(settings.classifier),
        "pretrained": epoch_chosen_on(settings.classifier),
        "consistent": epoch_chosen_on(settings.consistency.fit),
    }
    return {
        "epoch_chosen_on": epochs,
        # FixMatch's: params.yaml bounds them, how rare an expression is among the labels sets them.
        "thresholds_chosen_on": "train",
        "network_chosen_on": "none",
        "measured_on": "test",
    }


def gather(params: Params) -> Material:
    """Read the faces; the removed labels go no further than the line that reads them."""
    settings = params.semisupervised
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    faces = remove_labels(read_faces(layout.LABELLED), choose_removed(parts, settings))
    others = read_faces(layout.UNLABELLED) if settings.unlabelled_file else None
    return arrange(faces, parts, others)


def train(
    stage: shell.Stage,
    name: str,
    model: nn.Module,
    task: Task,
    faces: FaceSet,
    validation: FaceSet,
    settings: Fit,
    checkpoints: Checkpoints,
) -> Progress:
    """One of the stage's trainings: its checkpoints, its history, its weights."""

    def on_epoch(row: Row) -> None:
        scores = {f"{name}.{key}": value for key, value in row.items() if key != "epoch"}
        stage.journal.metrics(scores, step=int(row["epoch"]))

    compute = choose(settings, checkpoints.remembered("precision"))
    checkpoints.remember("precision", compute.precision)
    folder = layout.folder(stage.name)
    progress = fit(
        model, task, faces.to(compute.device), validation.to(compute.device), settings, compute,
        checkpoints=checkpoints, on_epoch=on_epoch, title=name,
        tell=lambda text: stage.tell(f"{name}: {text}"),
    )  # fmt: skip
    write_csv(folder / f"{name}.csv", pd.DataFrame(progress.history))
    save_weights(model, folder / f"{name}.safetensors")
    return progress


def find_checkpoints(params: Params) -> dict[str, Checkpoints]:
    """The checkpoints of each of the trainings: same data, parameters and code."""
    files = [*store_files(layout.LABELLED), *store_files(layout.UNLABELLED), layout.SPLIT]
    made_from = fingerprint(params.semisupervised, files, stages=["semisupervised"])
    return {
        name: Checkpoints(layout.CHECKPOINTS / f"semisupervised-{name}", made_from)
        for name in TRAININGS
    }


def measure(
    params: Params,
    material: Material,
    guesses: dict[str, NDArray[np.int64]],
    autoencoder: Autoencoder,
    drawn: Progress,
) -> dict[str, Any]:
    """The answers in numbers, and how sure they are."""
    labels = material.test_labels
    chance = {"resamples": params.evaluate.resamples, "seed": params.evaluate.seed}
    figures = {start: accuracy_and_f1(labels, guess, **chance) for start, guess in guesses.items()}
    gain, consistency_gain = (
        compare(labels, guesses[start], guesses["labelled_only"], **chance)
        for start in ("pretrained", "consistent")
    )
    return {
        "labelled_faces": len(material.labelled),
        "training_faces": material.training_faces,
        "unlabelled_faces": len(material.everything) - material.training_faces,
        "validation_faces": len(material.validation),
        "test_faces": len(labels),
        "network": params.semisupervised.network,
        "code": autoencoder.code_size,
        "noise": params.semisupervised.noise,
        "hidden": params.semisupervised.hidden,
        "parameters": {
            "autoencoder": count_parameters(autoencoder),
            "encoder": count_parameters(autoencoder.encoder),
        },
        "reconstruction_error": drawn.kept_row["validation_loss"],
        "majority_accuracy": majority_accuracy(material.labelled.labels.numpy(), labels),
        "gain": asdict(gain),
        "consistency_gain": asdict(consistency_gain),
        "macro_f1": {start: asdict(f1) for start, (_, f1) in figures.items()},
        **{start: asdict(accuracy) for start, (accuracy, _) in figures.items()},
    }


def draw(
    stage: shell.Stage,
    results: dict[str, Any],
    material: Material,
    autoencoder: Autoencoder,
    drawn: Progress,
) -> None:
    """Faces through the code, the answers with their intervals, the autoencoder's curve."""
    originals = material.test_pixels[:RECONSTRUCTIONS]
    answers = {
        "labelled faces only": Interval(**results["labelled_only"]),
        "with an autoencoder\non all faces": Interval(**results["pretrained"]),
        "consistent\non all faces": Interval(**results["consistent"]),
    }
    figures = {
        "reconstructions": draw_grid(
            [originals, reconstruct(autoencoder, originals)], ["face", "redrawn"],
            f"Test faces through a code of {results['code']:,} numbers",
        ),
        "accuracy": draw_intervals(
            answers, results["majority_accuracy"],
            f"Accuracy with {results['labelled_faces']:,} labels (test faces)",
        ),
        "autoencoder": draw_history(
            pd.DataFrame(drawn.history), drawn.kept_epoch, "autoencoder, epoch by epoch"
        ),
    }  # fmt: skip
    for name, figure in figures.items():
        path = layout.figures(stage.name) / f"{name}.svg"
        save(figure, path)
        stage.journal.artifact(path, "figures")


def main() -> None:
    """Run the stage as a program."""
    shell.run(
        "semisupervised",
        work,
        heavy=True,
        own_params=lambda params: params.semisupervised.model_dump(),
        resume=lambda params: find_checkpoints(params)["autoencoder"].remembered("run"),
    )
