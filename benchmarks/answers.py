"""Which expression a trained model names for each unlabelled face, for whoever has the labels.

    python benchmarks/answers.py weights benchmarks/answers/half-hour.csv

As the stage `predict` does with the study's own CNN, but for any folder that keeps a classifier;
the unlabelled faces are those that were ingested (`data.source`: a folder with Kaggle's
train.csv.gz and test.csv.gz). Ten views of a face count, as in the recipes for real faces.
"""

import argparse
from pathlib import Path

from pipeline.files import write_csv
from pipeline.params import TTA
from pipeline.predict.stage import name_unlabelled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a folder that keeps a classifier")
    parser.add_argument("into", type=Path)
    chosen = parser.parse_args()
    write_csv(chosen.into, name_unlabelled(chosen.model, TTA(flip=True, shift=2)))


if __name__ == "__main__":
    main()
