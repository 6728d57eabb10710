"""Name the expressions of the unlabelled faces: the file that Kaggle scores."""

import pandas as pd

from pipeline import layout, shell
from pipeline.faces.store import read_faces
from pipeline.files import write_csv
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier


def work(stage: shell.Stage) -> None:
    """From the CNN and the unlabelled faces to `id,label`, in the order of the file."""
    faces = read_faces(layout.UNLABELLED)
    model = load_classifier(layout.folder("train@cnn"))
    probabilities = predict_probabilities(model, faces.pixels, stage.params.evaluate.views)
    table = pd.DataFrame({"id": faces.table["id"], "label": probabilities.argmax(axis=1)})
    write_csv(layout.SUBMISSION, table)
    stage.journal.metrics({"predict.faces": len(table)})
    stage.journal.artifact(layout.SUBMISSION)


def main() -> None:
    """Run the stage as a program."""
    shell.run(
        "predict", work, heavy=True, own_params=lambda params: params.evaluate.views.model_dump()
    )
