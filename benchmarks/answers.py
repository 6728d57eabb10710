"""Which expression a trained model names for each unlabelled face, for whoever has the labels.

    python benchmarks/answers.py half-hour weights       # writes benchmarks/answers/half-hour.csv

As the stage `predict` does with the study's own CNN, but for any folder that keeps a classifier
and with the views of a face that the recipe counts; the unlabelled faces are those that were
ingested (`data.source`: a folder with Kaggle's train.csv.gz and test.csv.gz).
"""

import argparse
from pathlib import Path

from pipeline.experiments.recipes import configure, read_recipe
from pipeline.files import write_csv
from pipeline.predict.stage import name_unlabelled

ANSWERS = Path(__file__).parent / "answers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", help="that the model was trained by")
    parser.add_argument("model", type=Path, help="a folder that keeps a classifier")
    chosen = parser.parse_args()
    overrides = read_recipe(chosen.recipe).overrides
    tta = configure("answers", [overrides], chosen.recipe).params.evaluate.tta
    write_csv(ANSWERS / f"{chosen.recipe}.csv", name_unlabelled(chosen.model, tta))


if __name__ == "__main__":
    main()
