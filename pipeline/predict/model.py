"""Which trained model answers, and what its probabilities need to mean what they say."""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline import layout
from pipeline.errors import UserError
from pipeline.networks.store import DESCRIPTION, WEIGHTS, load_classifier
from pipeline.params import MODELS, Params
from pipeline.predict.recogniser import Recogniser
from pipeline.trained_models import model_folder

OWN = "cnn"

SHIPPED = Path("weights")
"""A model trained on real faces, with its calibration beside it."""

DRAWN = "trained on the study's drawn faces; what it says of photographs means little"


class Loaded(NamedTuple):
    """A model that answers.

    Attributes:
        title: what it is called, with what a user must know of it.
        recogniser: it, with what it needs to answer.
    """

    title: str
    recogniser: Recogniser

    @property
    def knows_drawn_faces_alone(self) -> bool:
        """Whether what it says of photographs means little."""
        return self.title.endswith(f"({DRAWN})")


def load_recogniser(
    params: Params, model: str | None = None, not_sure: float | None = None
) -> Loaded:
    """Load the model that is asked for, or that is meant for this project.

    Args:
        params: all of params.yaml.
        model: by name, folder or address; None for the one that is meant for this project.
        not_sure: probability below which no expression is named; None for that of params.yaml.

    Raises:
        UserError: there is no such model.
    """
    name = model or choose_model(params)
    threshold = params.evaluate.not_sure if not_sure is None else not_sure
    with model_folder(name) as folder:
        evaluated = layout.CALIBRATION if name in MODELS else folder / layout.CALIBRATION.name
        classifier = load_classifier(folder)
        temperature = read_temperature(evaluated, name if name in MODELS else OWN)
    recogniser = Recogniser(classifier, temperature, threshold, params.evaluate.tta)
    is_drawn = name in MODELS and Path(params.data.source) == layout.SAMPLE
    return Loaded(f"{name} ({DRAWN})" if is_drawn else name, recogniser)


def choose_model(params: Params) -> str:
    """The study's own CNN if it is of a user's faces, or else the one that is at hand.

    Raises:
        UserError: there is none.
    """
    own = _has_model(layout.folder(f"train@{OWN}"))
    if own and Path(params.data.source) != layout.SAMPLE:
        return OWN
    if _has_model(SHIPPED):
        return str(SHIPPED)
    if own:
        return OWN
    raise UserError(f"{SHIPPED}: no trained model here; train one with `make study`")


def read_temperature(path: Path, model: str) -> float:
    """The temperature that was fitted for a model; 1 for one of which none is known.

    Args:
        path: of a `calibration.json`: as the stage `evaluate` writes it, or what it holds of one.
        model: `cnn` or `dnn`.

    Raises:
        UserError: the file that holds it does not.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return float(found.get(model, found)["temperature"])
    except FileNotFoundError:
        return 1.0
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: holds no temperature; make it again with `dvc repro`") from None


def _has_model(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (WEIGHTS, DESCRIPTION))
