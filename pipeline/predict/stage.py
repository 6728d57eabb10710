"""Name the expressions of the unlabelled faces: the file that Kaggle scores."""

import pandas as pd

from pipeline import layout
from pipeline.faces.store import read_faces
from pipeline.files import write_csv
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From the CNN and the unlabelled faces to `id,label`, in the order of the file."""
    faces = read_faces(layout.UNLABELLED)
    model = load_classifier(layout.folder("train@cnn"))
    probabilities = predict_probabilities(model, faces.pixels, stage.params.evaluate.tta)
    table = pd.DataFrame({"id": faces.table["id"], "label": probabilities.argmax(axis=1)})
    write_csv(layout.SUBMISSION, table)
