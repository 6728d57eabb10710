"""Which expression a trained model names for each unlabelled face, for whoever has the labels.

    python benchmarks/answers.py weights benchmarks/answers/half-hour.csv

As the stage `predict` does with the study's own CNN, but for any folder that keeps a classifier;
the unlabelled faces are those that were ingested (`data.source`: a folder with Kaggle's
train.csv.gz and test.csv.gz). Ten views of a face count, as in the recipes for real faces.
"""

import argparse
from pathlib import Path

import pandas as pd

from pipeline import layout
from pipeline.faces.store import read_faces
from pipeline.files import write_csv
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.store import load_classifier
from pipeline.params import TTA


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a folder that keeps a classifier")
    parser.add_argument("into", type=Path)
    chosen = parser.parse_args()
    faces = read_faces(layout.UNLABELLED)
    views = TTA(flip=True, shift=2)
    answers = predict_probabilities(load_classifier(chosen.model), faces.pixels, views)
    labels = answers.argmax(axis=1)
    write_csv(chosen.into, pd.DataFrame({"id": faces.table["id"], "label": labels}))


if __name__ == "__main__":
    main()
