"""Find the faces whose label is probably wrong."""

import numpy as np
import pandas as pd

from pipeline import layout
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.figures.style import save_all
from pipeline.files import read_parquet, write_csv, write_json
from pipeline.labels.figures import draw_suspects
from pipeline.labels.result import LabelsResult
from pipeline.labels.suspects import count_suspects, find_suspects, suspects_table
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.sample.sample import true_expressions
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From the CNN's answers for all labelled faces to a list of suspects, and what it is worth."""
    faces, settings = read_faces(layout.LABELLED), stage.params.evaluate
    labels, truth = faces.labels.astype(np.int64), true_expressions(stage.params)
    if truth is not None:
        truth = truth[faces.table["row"] - 1]
    answered = read_parquet(layout.PREDICTIONS)
    held_out = answered["face"].to_numpy()
    training = np.setdiff1d(np.arange(len(faces)), held_out)
    network = load_classifier(layout.folder("train@cnn"))
    # Training faces are most of all faces, and showing them moved as well takes five times as long.
    unmoved = settings.tta.model_copy(update={"shift": 0})
    answers = {
        "held_out": answered[[f"cnn_{name}" for name in EXPRESSIONS]].to_numpy(),
        "training": predict_probabilities(network, faces.pixels[training], unmoved),
    }
    found, lists, figures = {}, [], {}
    for part, places in (("held_out", held_out), ("training", training)):
        suspects = find_suspects(answers[part], labels[places])
        known = None if truth is None else truth[places]
        found[part] = count_suspects(suspects, labels[places], known)
        suspects = suspects.assign(part=part, face=places[suspects["face"]])
        lists.append(suspects)
        if len(suspects):
            figures[part] = draw_suspects(faces.pixels, suspects, part)
    folder = layout.folder(stage.name)
    write_csv(folder / "suspects.csv", suspects_table(pd.concat(lists), faces.table))
    result = LabelsResult(**found)
    write_json(folder / "labels.json", result)
    write_json(layout.metrics(stage.name), {"labels": result})
    layout.figures(stage.name).mkdir(parents=True, exist_ok=True)  # also where none is suspect
    save_all(figures, layout.figures(stage.name))
