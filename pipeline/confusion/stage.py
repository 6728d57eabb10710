"""Which expressions are taken for which, on the test faces."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline import layout
from pipeline.confusion.confusion import measure, recalls
from pipeline.confusion.figures import draw_both_matrices, draw_recall_by_frequency
from pipeline.confusion.result import ConfusionResult
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.photographs import read_photographs
from pipeline.faces.store import read_faces
from pipeline.figures.style import save_all
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.params import MODELS, ModelName
from pipeline.shell import Stage
from pipeline.statistics.intervals import draw_matrices

if TYPE_CHECKING:  # the stage itself needs no torch, which takes seconds to import
    from pipeline.explaining.subject import Subject


def work(stage: Stage) -> None:
    """From predictions to matrices, the negative expressions, and recall by frequency."""
    folder = layout.folder(stage.name)
    predictions = read_parquet(layout.PREDICTIONS).query("part == 'test'")
    labels, names = predictions["label"].to_numpy(), np.array(EXPRESSIONS)
    photographs = read_photographs(layout.PHOTOGRAPHS).labelled[predictions["face"]]
    shares = training_shares()
    results: dict[ModelName, ConfusionResult] = {}
    drawn: dict[str, Figure] = {}
    found: dict[str, NDArray[np.floating]] = {}
    for model in MODELS:
        columns = [f"{model}_{name}" for name in EXPRESSIONS]
        predicted = predictions[columns].to_numpy().argmax(axis=1)
        matrices = draw_matrices(labels, predicted[None], photographs, stage.params.evaluate)[:, 0]
        found[model] = recalls(matrices[0])
        results[model] = measure(matrices, shares)
        classes = pd.DataFrame({"actual": names[labels], "predicted": names[predicted]})
        write_csv(folder / f"{model}.csv", classes)
        both = draw_both_matrices(results[model], model.upper())
        drawn |= {f"{model}{name}": figure for name, figure in both.items()}
    drawn["frequency"] = draw_recall_by_frequency(shares, found)
    save_all(drawn, layout.figures(stage.name))
    write_json(folder / "confusion.json", results)
    write_json(layout.metrics(stage.name), {"confusion": headline(results["cnn"])})


def explain(subject: "Subject") -> dict[str, object]:
    """Which expressions any one model takes for which, on all test faces."""
    labels, settings = subject.faces.labels, subject.params.evaluate
    photographs = read_photographs(layout.PHOTOGRAPHS).labelled[subject.faces.places]
    predicted = subject.predict(np.arange(len(labels))).argmax(axis=1)
    matrices = draw_matrices(labels, predicted[None], photographs, settings)[:, 0]
    measured = measure(matrices, training_shares())
    both = draw_both_matrices(measured, subject.name)
    subject.save({f"confusion{name}": figure for name, figure in both.items()})
    return {"accuracy": float((predicted == labels).mean()), **vars(measured)}


def training_shares() -> NDArray[np.float64]:
    """How frequent each expression is among the training faces: shares, (7,)."""
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    labels = read_faces(layout.LABELLED).labels[parts == "train"]
    return np.bincount(labels, minlength=len(EXPRESSIONS)) / len(labels)


def headline(cnn: ConfusionResult) -> dict[str, float]:
    """The few numbers by which experiments are compared; a metric that is none is left out."""
    numbers = {
        "cnn_negative_right": cnn.negative.right.value if np.any(cnn.negative.counts) else None,
        "cnn_errors_to_sad": cnn.pull["sad"].of_errors.value,
        "cnn_errors_to_neutral": cnn.pull["neutral"].of_errors.value,
        "cnn_recall_frequency_spearman": cnn.recall_by_frequency.spearman,
    }
    return {name: value for name, value in numbers.items() if value is not None}
