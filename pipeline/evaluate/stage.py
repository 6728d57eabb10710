"""Score both classifiers on the held-out faces, each figure with its interval."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline import layout, shell
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.figures.curves import draw_calibration, draw_recalls
from pipeline.figures.style import save
from pipeline.files import read_parquet, write_csv, write_json, write_parquet
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.networks import count_parameters
from pipeline.networks.store import DESCRIPTION, WEIGHTS, load_classifier
from pipeline.params import MODELS, Params
from pipeline.statistics.intervals import accuracy_and_f1, compare
from pipeline.statistics.scores import (
    Probabilities,
    Scores,
    calibration_curve,
    majority_accuracy,
    score,
)
from pipeline.tracking.fetching import CLASSIFIER
from pipeline.tracking.journal import flatten
from pipeline.training.selection import epoch_chosen_on


def work(stage: shell.Stage) -> None:
    """From weights to scores on validation and test faces, and the table of predictions."""
    settings = stage.params.evaluate
    chance = {"resamples": settings.resamples, "seed": settings.seed}
    faces = read_faces(layout.LABELLED)
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    held_out = np.flatnonzero(parts != "train")
    labels, part_of = faces.labels[held_out].astype(np.int64), parts[held_out]
    train_labels = faces.labels[parts == "train"].astype(np.int64)

    table = pd.DataFrame({"face": held_out, "part": part_of, "label": labels})
    on_test = part_of == "test"
    probabilities: dict[str, Probabilities] = {}
    scores: dict[str, Scores] = {}
    results: dict[str, Any] = {
        "selected_on": roles(stage.params)["epoch_chosen_on"],
        "reported_on": "test",
        "faces": {part: int((part_of == part).sum()) for part in ("validation", "test")},
        "majority_accuracy": majority_accuracy(train_labels, labels[on_test]),
    }
    for model in MODELS:
        classifier = load_classifier(layout.folder(f"train@{model}"))
        probabilities[model] = predict_probabilities(
            classifier, faces.pixels[held_out], settings.views
        )
        for k, name in enumerate(EXPRESSIONS):
            table[f"{model}_{name}"] = probabilities[model][:, k]
        results[model] = {
            "network": classifier.architecture.title,
            "parameters": count_parameters(classifier),
        }
        for part in ("validation", "test"):
            these, truth = probabilities[model][part_of == part], labels[part_of == part]
            accuracy, macro_f1 = accuracy_and_f1(truth, these.argmax(axis=1), **chance)
            scores[model] = score(these, truth)
            results[model][part] = asdict(scores[model]) | {
                "accuracy_interval": asdict(accuracy),
                "macro_f1_interval": asdict(macro_f1),
            }
    guesses = {model: probabilities[model][on_test].argmax(axis=1) for model in MODELS}
    difference = compare(labels[on_test], guesses["cnn"], guesses["dnn"], **chance)
    results["difference"] = asdict(difference)

    folder, figures = layout.folder(stage.name), layout.figures(stage.name)
    write_parquet(layout.PREDICTIONS, table)
    write_json(folder / "scores.json", results)
    write_json(layout.metrics(stage.name), _headline(results, stage.params))
    write_csv(folder / "comparison.csv", compare_side_by_side(results))
    save(draw_recalls(scores, "Recall of each expression (test faces)"), figures / "recall.svg")
    curves: dict[str, tuple[list[float], list[float]]] = {
        model: calibration_curve(probabilities[model][on_test], labels[on_test]) for model in MODELS
    }
    save(draw_calibration(curves, "Can confidence be trusted?"), figures / "calibration.svg")

    stage.journal.metrics(numbers_of(results))
    stage.journal.headline(
        {f"{model}.accuracy": results[model]["test"]["accuracy"] for model in MODELS}
    )
    for name in ("recall.svg", "calibration.svg"):
        stage.journal.artifact(figures / name, "figures")
    for name in ("scores.json", "comparison.csv"):
        stage.journal.artifact(folder / name)
    validation = results["cnn"]["validation"]
    stage.journal.model(
        layout.folder("train@cnn"),
        example=faces.pixels[held_out[:2], None].astype(np.float32),
        # Which model is best is a choice, and test faces choose nothing.
        accuracy=validation["accuracy"],
        interval=(validation["accuracy_interval"]["low"], validation["accuracy_interval"]["high"]),
        measured_on=digest_of(faces.table["md5"].to_numpy()[held_out[~on_test]]),
    )
    for name in (WEIGHTS, DESCRIPTION):
        stage.journal.artifact(layout.folder("train@cnn") / name, CLASSIFIER)


def compare_side_by_side(results: dict[str, Any]) -> pd.DataFrame:
    """One row a network and one for the majority class: size, accuracy, interval, McNemar's p."""
    rows = [
        {
            "model": model,
            "network": results[model]["network"],
            "parameters": results[model]["parameters"],
            "accuracy": results[model]["test"]["accuracy"],
            "low": results[model]["test"]["accuracy_interval"]["low"],
            "high": results[model]["test"]["accuracy_interval"]["high"],
            "mcnemar_p_to_cnn": None if model == "cnn" else results["difference"]["p"],
        }
        for model in MODELS
    ]
    rows.append({"model": "majority class", "accuracy": results["majority_accuracy"]})
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def digest_of(md5: NDArray[np.object_]) -> str:
    """One digest for a set of faces, from theirs, whatever their order."""
    return hashlib.md5("".join(sorted(md5)).encode(), usedforsecurity=False).hexdigest()


def numbers_of(results: dict[str, Any]) -> dict[str, float]:
    """All numbers under dotted names, as MLflow wants them; texts are left out."""
    flat = flatten(results)
    return {name: float(value) for name, value in flat.items() if not isinstance(value, str)}


def _headline(results: dict[str, Any], params: Params) -> dict[str, Any]:
    """The few numbers by which experiments are compared, and whose faces they are."""
    on_test = {model: results[model]["test"] for model in MODELS}
    headline: dict[str, Any] = {
        model: {
            "accuracy": scores["accuracy"],
            "macro_f1": scores["macro_f1"],
            "accuracy_low": scores["accuracy_interval"]["low"],
            "accuracy_high": scores["accuracy_interval"]["high"],
            "macro_f1_low": scores["macro_f1_interval"]["low"],
            "macro_f1_high": scores["macro_f1_interval"]["high"],
        }
        for model, scores in on_test.items()
    }
    return headline | {
        "majority_accuracy": results["majority_accuracy"],
        "mcnemar_p": results["difference"]["p"],
        "difference": {
            f"{figure}{end}": results["difference"][figure][key]
            for figure in ("accuracy", "macro_f1")
            for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
        },
        "faces": roles(params),
    }


def roles(params: Params) -> dict[str, Any]:
    """Which faces chose something, and which gave the figures."""
    return {
        "epoch_chosen_on": {
            model: epoch_chosen_on(getattr(params.train, model)) for model in MODELS
        },
        # The answer is the most probable expression, and params.yaml names the networks.
        "thresholds_chosen_on": "none",
        "network_chosen_on": "none",
        "measured_on": "test",
    }


def main() -> None:
    """Run the stage as a program."""
    shell.run("evaluate", work, heavy=True, own_params=lambda params: params.evaluate.model_dump())
