"""Name the expressions of the unlabelled faces: the file that Kaggle scores."""

from pathlib import Path

import pandas as pd

from pipeline import layout
from pipeline.faces.store import read_faces
from pipeline.files import write_csv
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.params import TTA
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From the CNN and the unlabelled faces to the file."""
    answers = name_unlabelled(layout.folder("train@cnn"), stage.params.evaluate.tta)
    write_csv(layout.SUBMISSION, answers)


def name_unlabelled(model: Path, tta: TTA) -> pd.DataFrame:
    """The answers of a classifier's folder, `id,label`, in the order of the file of faces."""
    faces = read_faces(layout.UNLABELLED)
    probabilities = predict_probabilities(load_classifier(model), faces.pixels, tta)
    return pd.DataFrame({"id": faces.table["id"], "label": probabilities.argmax(axis=1)})
