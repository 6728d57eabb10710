"""Which expressions are taken for which, on the test faces."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline import layout, shell
from pipeline.confusion.confusion import (
    NEGATIVE,
    correlate,
    count_confusion,
    most_confused,
    negative_block,
    normalise_rows,
    pull,
    recalls,
)
from pipeline.confusion.figures import draw_confusion
from pipeline.confusion.frequency_figure import draw_recall_by_frequency
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.params import MODELS, Evaluate, Params

if TYPE_CHECKING:  # the stage itself needs no torch, which takes seconds to import
    from pipeline.explaining.subject import Subject

PULLING = ("sad", "neutral")
"""Answers that networks are known to fall back on."""


def work(stage: shell.Stage) -> None:
    """From predictions to matrices, what becomes of negative faces, and recall by frequency."""
    folder, figures = layout.folder(stage.name), layout.figures(stage.name)
    predictions = read_parquet(layout.PREDICTIONS).query("part == 'test'")
    labels = predictions["label"].to_numpy()
    names, shares = np.array(EXPRESSIONS), training_shares()
    results: dict[str, Any] = {}
    found: dict[str, NDArray[np.floating]] = {}
    for model in MODELS:
        columns = [f"{model}_{name}" for name in EXPRESSIONS]
        predicted = predictions[columns].to_numpy().argmax(axis=1)
        counts = count_confusion(labels, predicted)
        found[model] = recalls(counts)
        results[model] = measure(counts, shares, stage.params.evaluate)
        classes = pd.DataFrame({"actual": names[labels], "predicted": names[predicted]})
        write_csv(folder / f"{model}.csv", classes)
        for name, figure in draw(counts, model.upper()).items():
            save(figure, figures / f"{model}{name}.svg")
    figure = draw_recall_by_frequency(shares, found, "Are rare expressions missed more often?")
    save(figure, figures / "frequency.svg")

    write_json(folder / "confusion.json", results)
    headline = headline_of(results)
    write_json(layout.metrics(stage.name), {"confusion": headline})
    stage.journal.metrics({f"confusion.{name}": value for name, value in headline.items()})
    for path in sorted(figures.glob("*.svg")):
        stage.journal.artifact(path, "figures")
    stage.journal.artifact(folder / "confusion.json")


def explain_confusion(subject: "Subject") -> dict[str, Any]:
    """Which expressions any one model takes for which, on all test faces."""
    labels = subject.faces.labels
    predicted = subject.predict(np.arange(len(labels))).argmax(axis=1)
    counts = count_confusion(labels, predicted)
    for name, figure in draw(counts, subject.name).items():
        save(figure, subject.figures / f"confusion{name}.svg")
    measured = measure(counts, training_shares(), subject.params.evaluate)
    return {"accuracy": float((predicted == labels).mean()), **measured}


def training_shares() -> NDArray[np.float64]:
    """How often each expression stands among the training faces: shares, (7,)."""
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    labels = read_faces(layout.LABELLED).labels[parts == "train"]
    return np.bincount(labels, minlength=len(EXPRESSIONS)) / len(labels)


def measure(
    counts: NDArray[np.int64], shares: NDArray[np.float64], settings: Evaluate
) -> dict[str, Any]:
    """All that is said of one matrix, (7, 7)."""
    chance = {"resamples": settings.resamples, "seed": settings.seed}
    found, occurs = recalls(counts), counts.sum(axis=1) > 0
    return {
        "rows": "true",
        "columns": "predicted",
        "classes": list(EXPRESSIONS),
        "counts": counts.tolist(),
        "shares": normalise_rows(counts).tolist(),
        "most_confused": [asdict(pair) for pair in most_confused(counts)],
        "negative": asdict(negative_block(counts)),
        "pull": {name: asdict(pull(counts, name, **chance)) for name in PULLING},
        "training_shares": shares.tolist(),
        "recall_by_frequency": asdict(correlate(shares[occurs], found[occurs])),
    }


def draw(counts: NDArray[np.int64], model: str) -> dict[str, Figure]:
    """The whole matrix and the negative block, by what follows the model's name in the file's."""
    block = np.array(negative_block(counts).counts)
    return {
        "": draw_confusion(counts, f"{model}: true against predicted, test faces"),
        "-negative": draw_confusion(
            block, f"{model}: negative expressions among themselves",
            rows=NEGATIVE, columns=(*NEGATIVE, "not negative"),
        ),
    }  # fmt: skip


def headline_of(results: dict[str, Any]) -> dict[str, float]:
    """The few numbers by which experiments are compared; a metric that is none is left out."""
    cnn = results["cnn"]
    headline = {
        "cnn_negative_right": cnn["negative"]["right"],
        "cnn_errors_to_sad": cnn["pull"]["sad"]["of_errors"]["value"],
        "cnn_errors_to_neutral": cnn["pull"]["neutral"]["of_errors"]["value"],
        "cnn_recall_frequency_spearman": cnn["recall_by_frequency"]["spearman"],
    }
    return {name: value for name, value in headline.items() if value is not None}


def own_params(params: Params) -> dict[str, Any]:
    """What the stage reads of the parameters."""
    return params.evaluate.model_dump(include={"resamples", "seed"})


def main() -> None:
    """Run the stage as a program."""
    shell.run("confusion", work, own_params=own_params)
