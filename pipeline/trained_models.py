"""Find a trained model by what a user calls it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import layout
from pipeline.errors import UserError
from pipeline.networks.classifier import Classifier
from pipeline.networks.store import WEIGHTS, load_classifier
from pipeline.params import MODELS
from pipeline.record.fetching import FORMS, fetch_classifier, is_address

NAMES = f"{', '.join(MODELS)}, a folder with a trained model, {FORMS}"
"""What a model may be called."""


def find_classifier(model: str) -> Classifier:
    """Load a model by name, folder or address.

    Raises:
        UserError: there is none.
    """
    with model_folder(model) as folder:
        return load_classifier(folder)


@contextmanager
def model_folder(model: str) -> Iterator[Path]:
    """The folder with a model, by its name, folder or address; what is fetched goes at the end.

    Raises:
        UserError: there is none.
    """
    if model in MODELS:
        folder = layout.folder(f"train@{model}")
        if not (folder / WEIGHTS).is_file():
            raise UserError(
                f"{folder}: the {model} is not trained here yet; `make study` does that"
            )
        yield folder
    elif is_address(model):
        with tempfile.TemporaryDirectory() as temporary:
            yield fetch_classifier(model, Path(temporary))
    elif Path(model).is_dir():
        yield Path(model)
    else:
        raise UserError(f"{model}: no such model; allowed: {NAMES}")


def name_of(model: str) -> str:
    """What results are called: `models:/faces/3` is `faces-3`, the folder `runs/a/cnn` is `a-cnn`.

    A folder's own name is not enough: of many it is `cnn`, as the study's own model is called.
    """
    if is_address(model):
        return model.split(":", 1)[1].strip("/").replace("/", "-")
    return model if model in MODELS else "-".join(Path(model).resolve().parts[1:][-2:])
