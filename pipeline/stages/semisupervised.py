"""What unlabelled faces are worth: an autoencoder on all training faces, labels for some.

Three answers on the same test faces: a classifier from random weights on the labelled faces, the
same classifier on the autoencoder's encoder, and the majority class.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from pipeline import layout
from pipeline.analysis.intervals import Interval, accuracy_and_f1, compare
from pipeline.analysis.scores import majority_accuracy
from pipeline.data.split import choose_labelled
from pipeline.data.store import read_faces
from pipeline.figures.curves import draw_history, draw_intervals
from pipeline.figures.faces import draw_grid
from pipeline.figures.style import save
from pipeline.models.autoencoder import Autoencoder, EncodedClassifier
from pipeline.models.inference import predict_probabilities, reconstruct
from pipeline.models.networks import count_parameters
from pipeline.models.store import save_weights
from pipeline.params import Fit
from pipeline.stages import shell
from pipeline.stages.files import write_csv, write_json
from pipeline.training.checkpoints import Checkpoints
from pipeline.training.compute import Compute, choose
from pipeline.training.fingerprint import fingerprint
from pipeline.training.loop import Progress, Row, fit
from pipeline.training.tasks import Classification, FaceSet, Reconstruction, Task

RECONSTRUCTIONS = 8


@dataclass(frozen=True)
class Faces:
    """What this stage may see: labels of removed faces are not among it."""

    everything: FaceSet
    labelled: FaceSet
    validation: FaceSet
    test_pixels: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def work(stage: shell.Stage) -> None:
    """From faces and split to the accuracy with and without unlabelled faces."""
    settings = stage.params.semisupervised
    compute = choose(settings.classifier)
    stage.journal.tags(compute.describe())
    faces = load_faces(settings.labelled_fraction, settings.classifier.seed, compute.device)

    torch.manual_seed(settings.autoencoder.seed)
    autoencoder = Autoencoder(settings.code)
    drawing = Reconstruction(settings.augmentation, settings.noise, settings.autoencoder.seed)
    drawn = train(
        stage, "autoencoder", autoencoder, drawing, faces.everything, faces.validation,
        settings.autoencoder, compute,
    )  # fmt: skip
    naming = Classification(
        settings.augmentation, settings.label_smoothing, settings.classifier.seed
    )
    guesses = {}
    for start in ("labelled_only", "pretrained"):
        # The same seed before either: both start from the same head, and differ by the encoder.
        torch.manual_seed(settings.classifier.seed)
        classifier = EncodedClassifier(settings.code, settings.dropout)
        if start == "pretrained":
            classifier.encoder.load_state_dict(autoencoder.encoder.state_dict())
        train(
            stage, start, classifier, naming, faces.labelled, faces.validation,
            settings.classifier, compute,
        )  # fmt: skip
        guesses[start] = predict_probabilities(classifier, faces.test_pixels, flip=True).argmax(1)
        save_weights(classifier, layout.folder(stage.name) / f"{start}.safetensors")

    report(stage, faces, guesses, autoencoder, drawn)


def train(
    stage: shell.Stage,
    name: str,
    model: nn.Module,
    task: Task,
    faces: FaceSet,
    validation: FaceSet,
    settings: Fit,
    compute: Compute,
) -> Progress:
    """One of the stage's three trainings, with its own checkpoints, history and curves."""

    def on_epoch(row: Row) -> None:
        scores = {f"{name}.{key}": value for key, value in row.items() if key != "epoch"}
        stage.journal.metrics(scores, step=int(row["epoch"]))

    made_from = fingerprint(
        stage.params.semisupervised,
        files=[layout.LABELLED / "pixels.npy", layout.LABELLED / "table.parquet", layout.SPLIT],
    )
    checkpoints = Checkpoints(layout.CHECKPOINTS / f"semisupervised-{name}", made_from)
    progress = fit(
        model, task, faces, validation, settings, compute,
        checkpoints=checkpoints, on_epoch=on_epoch, title=name,
    )  # fmt: skip
    write_csv(layout.folder(stage.name) / f"{name}.csv", pd.DataFrame(progress.history))
    return progress


def load_faces(fraction: float, seed: int, device: torch.device) -> Faces:
    """Read the faces, and the labels of those that keep theirs."""
    stored = read_faces(layout.LABELLED)
    parts = pd.read_parquet(layout.SPLIT)["part"].to_numpy()
    labels = stored.labels.astype(np.int64)
    train = np.flatnonzero(parts == "train")
    kept = train[choose_labelled(len(train), fraction, seed)]
    nothing = np.full(len(train), -1)

    def face_set(places: NDArray[np.int64], with_labels: NDArray[np.int64]) -> FaceSet:
        pixels = torch.from_numpy(stored.pixels[places]).to(device)
        return FaceSet(pixels, torch.from_numpy(with_labels).to(device))

    validation, test = np.flatnonzero(parts == "validation"), np.flatnonzero(parts == "test")
    return Faces(
        everything=face_set(train, nothing),
        labelled=face_set(kept, labels[kept]),
        validation=face_set(validation, labels[validation]),
        test_pixels=stored.pixels[test],
        test_labels=labels[test],
    )


def report(
    stage: shell.Stage,
    faces: Faces,
    guesses: dict[str, NDArray[np.int64]],
    autoencoder: Autoencoder,
    drawn: Progress,
) -> None:
    """Numbers and figures of the three answers."""
    chance = {"resamples": stage.params.evaluate.resamples, "seed": stage.params.evaluate.seed}
    labels, folder, figures = (
        faces.test_labels,
        layout.folder(stage.name),
        layout.figures(stage.name),
    )
    majority = majority_accuracy(faces.labelled.labels.cpu().numpy(), labels)
    accuracies: dict[str, Interval] = {
        start: accuracy_and_f1(labels, guess, **chance)[0] for start, guess in guesses.items()
    }
    gain = compare(labels, guesses["pretrained"], guesses["labelled_only"], **chance)
    results = {
        "labelled_faces": len(faces.labelled),
        "training_faces": len(faces.everything),
        "test_faces": len(labels),
        "code": stage.params.semisupervised.code,
        "parameters": {
            "autoencoder": count_parameters(autoencoder),
            "encoder": count_parameters(autoencoder.encoder),
        },
        "reconstruction_error": drawn.best_loss,
        "majority_accuracy": majority,
        **{start: asdict(interval) for start, interval in accuracies.items()},
        "gain": asdict(gain),
    }
    write_json(folder / "semisupervised.json", results)
    headline = {start: interval.value for start, interval in accuracies.items()}
    write_json(layout.metrics(stage.name), {"semisupervised": headline})

    originals = faces.test_pixels[:RECONSTRUCTIONS]
    redrawn = reconstruct(autoencoder, originals)
    save(draw_grid([originals, redrawn], ["face", "redrawn"],
                   f"Test faces through a code of {results['code']} numbers"),
         figures / "reconstructions.svg")  # fmt: skip
    names = {
        "labelled_only": "labelled faces only",
        "pretrained": "with an autoencoder\non all training faces",
    }
    save(draw_intervals({names[start]: value for start, value in accuracies.items()}, majority,
                        f"Accuracy with {len(faces.labelled):,} labels (test faces)"),
         figures / "accuracy.svg")  # fmt: skip
    save(draw_history(pd.DataFrame(drawn.history), drawn.best_epoch, "autoencoder"),
         figures / "autoencoder.svg")  # fmt: skip
    for name in ("reconstructions", "accuracy", "autoencoder"):
        stage.journal.artifact(figures / f"{name}.svg", "figures")
    stage.journal.metrics({f"test.{start}": value for start, value in headline.items()})
    for name in ("autoencoder", *guesses):
        Checkpoints(layout.CHECKPOINTS / f"semisupervised-{name}", "").clear()


if __name__ == "__main__":
    shell.run("semisupervised", work, own_params=lambda params: params.semisupervised.model_dump())
