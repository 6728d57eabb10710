"""Score both classifiers on the held-out faces, each figure with its interval."""

import numpy as np
import pandas as pd

from pipeline import layout
from pipeline.evaluate.evaluate import compare_side_by_side, evaluate_model, headline, roles
from pipeline.evaluate.figures import draw
from pipeline.evaluate.quality import compare_by_quality
from pipeline.evaluate.result import Evaluated, Evaluation
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.photographs import read_photographs
from pipeline.faces.store import read_faces
from pipeline.figures.style import save_all
from pipeline.files import read_parquet, write_csv, write_json, write_parquet
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.params import MODELS
from pipeline.shell import Stage
from pipeline.statistics.scores import Probabilities, majority_accuracy
from pipeline.statistics.trainings import compare


def work(stage: Stage) -> None:
    """From weights to scores on validation and test faces, and the table of predictions."""
    settings = stage.params.evaluate
    faces = read_faces(layout.LABELLED)
    parts = read_parquet(layout.SPLIT)["part"].to_numpy()
    held_out = np.flatnonzero(parts != "train")
    labels, part_of = faces.labels[held_out].astype(np.int64), parts[held_out]
    photographs = read_photographs(layout.PHOTOGRAPHS).labelled[held_out]
    on_test, table = part_of == "test", {"face": held_out, "part": part_of, "label": labels}
    probabilities: dict[str, Probabilities] = {}
    evaluated: dict[str, Evaluated] = {}
    for model in MODELS:
        classifier = load_classifier(layout.folder(f"train@{model}"))
        found = predict_probabilities(classifier, faces.pixels[held_out], settings.tta)
        table |= {f"{model}_{name}": found[:, k] for k, name in enumerate(EXPRESSIONS)}
        evaluated[model] = evaluate_model(classifier, found, labels, photographs, on_test, settings)
        probabilities[model] = found[on_test]
    guesses = {model: found.argmax(axis=1) for model, found in probabilities.items()}
    right = {model: guess == labels[on_test] for model, guess in guesses.items()}
    evaluation = Evaluation(
        epoch_chosen_on=roles(stage.params)["epoch_chosen_on"],
        reported_on="test",
        faces={part: int((part_of == part).sum()) for part in ("validation", "test")},
        majority_accuracy=majority_accuracy(
            faces.labels[parts == "train"].astype(np.int64), labels[on_test]
        ),
        **evaluated,
        difference=compare(
            labels[on_test], guesses["cnn"], guesses["dnn"], photographs[on_test], settings
        ),
        quality=compare_by_quality(faces.pixels, parts, labels[on_test], right),
    )
    folder = layout.folder(stage.name)
    write_parquet(layout.PREDICTIONS, pd.DataFrame(table))
    write_json(folder / "scores.json", evaluation)
    write_json(layout.CALIBRATION, {m: found.calibration for m, found in evaluated.items()})
    write_json(layout.metrics(stage.name), headline(evaluation) | {"faces": roles(stage.params)})
    write_csv(folder / "comparison.csv", compare_side_by_side(evaluation))
    save_all(draw(evaluated, probabilities, labels[on_test]), layout.figures(stage.name))
