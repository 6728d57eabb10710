"""Explain any trained model: `python -m pipeline.explain MODEL [ANALYSIS ...] [--to FOLDER]`.

MODEL is `cnn` or `dnn` for those of the study here, a folder with `weights.safetensors` and
`model.json`, or an address in MLflow: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, `runs:/RUN_ID`.
It is explained on the test faces of the study here, with its parameters. Of another model than
`cnn` and `dnn`, and of these once the split is another, nobody knows whether it was trained on some
of them.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pipeline.command import command
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.explaining.subject import Subject, read_test_faces
from pipeline.files import write_json
from pipeline.params import MODELS, load
from pipeline.stale import is_emptied, refuse_emptied
from pipeline.trained_models import NAMES, find_classifier, name_of

ANALYSES = tuple(
    entry.name
    for entry in read_entries()
    # Read and not imported, as captum takes a second.
    if "\ndef explain(" in (Path(__file__).parent / entry.name / "stage.py").read_text("utf-8")
)
"""Stages with a function `explain(subject)`, which takes any trained model."""

FOLDER = Path("explained")

PERHAPS_SEEN = (
    "explain: these are the test faces of the study here; a model that was trained with another "
    "split may have seen them"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Explain what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.explain",
        description="Explain a trained model on the test faces of the study here.",
    )
    parser.add_argument("model", help=NAMES)
    parser.add_argument(
        "analyses", nargs="*", metavar="ANALYSIS",
        help=f"which of {', '.join(ANALYSES)}; without any, all",
    )  # fmt: skip
    parser.add_argument("--to", type=Path, help=f"folder of the results ({FOLDER}/NAME)")
    chosen = parser.parse_args(arguments)
    with command("explain", chosen.to or FOLDER):
        explain(chosen.model, chosen.analyses or list(ANALYSES), chosen.to)
    return 0


def explain(model: str, analyses: Sequence[str], to: Path | None = None) -> None:
    """Write a picture or more and one JSON file for each of some `ANALYSES`.

    Without a folder for them they go to one that is named after the model.

    Raises:
        UserError: no such model or analysis, or there are no faces to explain it on.
    """
    for name in analyses:
        if name not in ANALYSES:
            raise UserError(f"analysis {name!r} is not known; choose from: {', '.join(ANALYSES)}")
    folder = to or FOLDER / name_of(model)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--to {folder}: not a folder; choose a new or an old folder")
    refuse_emptied("split")
    params, faces, classifier = load(), read_test_faces(), find_classifier(model)
    if model not in MODELS or is_emptied(f"train@{model}"):
        print(PERHAPS_SEEN, file=sys.stderr)
    title = model.upper() if model in MODELS else name_of(model)
    for name in analyses:
        subject = Subject(title, classifier, faces, params, folder / name)
        stage = import_module(f"pipeline.{name}.stage")
        write_json(folder / f"{name}.json", stage.explain(subject))
        print(folder / f"{name}.json", flush=True)


if __name__ == "__main__":
    sys.exit(main())
