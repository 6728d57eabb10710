"""Which trained model answers, and what its probabilities need to mean what they say."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from pipeline import layout
from pipeline.dvc_yaml import choosing_files
from pipeline.errors import UserError
from pipeline.networks.store import DESCRIPTION, WEIGHTS, load_classifier
from pipeline.params import MODELS, TTA, Params
from pipeline.predict.recogniser import Recogniser
from pipeline.stale import is_emptied
from pipeline.statistics.champion import Measured, judge, name_faces
from pipeline.trained_models import model_folder

OWN = "cnn"

DRAWN = "trained on the study's drawn faces; what it says of photographs means little"


@dataclass(frozen=True)
class Tempering:
    """What makes a model's probabilities mean what they say.

    Attributes:
        temperature: 1 leaves them.
        tta: the views of a face whose mean answer it was fitted to; None for those of params.yaml.
    """

    temperature: float
    tta: TTA | None = None


class Loaded(NamedTuple):
    """A model that answers.

    Attributes:
        title: what it is called, with what a user must know of it.
        recogniser: it, with what it needs to answer.
    """

    title: str
    recogniser: Recogniser


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
        classifier, tempering = load_classifier(folder), _find_tempering(name, folder)
    tta = tempering.tta or params.evaluate.tta
    recogniser = Recogniser(classifier, tempering.temperature, threshold, tta)
    is_drawn = name in MODELS and layout.is_sample(params.data.source)
    return Loaded(f"{name} ({DRAWN})" if is_drawn else name, recogniser)


def choose_model(params: Params) -> str:
    """The network in `weights/`, or the study's own CNN of real faces where that is as good.

    Which is better, validation faces say (`pipeline.statistics.champion.judge`).

    Raises:
        UserError: there is none.
    """
    own, at_hand = _has_model(layout.folder(f"train@{OWN}")), _has_model(layout.WEIGHTS)
    if not own and not at_hand:
        raise UserError(f"{layout.WEIGHTS}: no trained model here; train one with `make study`")
    if not at_hand or (own and not layout.is_sample(params.data.source) and _own_is_better()):
        return OWN
    return str(layout.WEIGHTS)


def _own_is_better() -> bool:
    """Whether the study's own CNN beats the one in `weights/`; not before it is evaluated."""
    if is_emptied("evaluate"):
        return False
    from pipeline.evaluate import result as evaluate
    from pipeline.weights import card

    try:
        found = evaluate.read().cnn.validation.accuracy_interval
        faces = name_faces(choosing_files())
    except (UserError, FileNotFoundError):
        return False
    own = Measured(found.value, found.low, found.high, faces, OWN)
    return judge(own, card.read().measured)[0]


def _find_tempering(name: str, folder: Path) -> Tempering:
    if name not in MODELS:
        return read_tempering(folder / layout.CALIBRATION.name, OWN)
    if is_emptied("evaluate"):  # what it has found is of a network that is here no more
        return Tempering(temperature=1.0)
    return read_tempering(layout.CALIBRATION, name)


def read_tempering(path: Path, model: str) -> Tempering:
    """What was found out about a model's probabilities; nothing for one of which none is known.

    Args:
        path: of a `calibration.json`: as the stage `evaluate` writes it, or what it holds of one.
        model: `cnn` or `dnn`.

    Raises:
        UserError: the file does not hold that.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(Tempering).validate_python(found.get(model, found))
    except FileNotFoundError:
        return Tempering(temperature=1.0)
    except (ValueError, AttributeError):
        raise UserError(f"{path}: holds no temperature; make it again with `dvc repro`") from None


def _has_model(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (WEIGHTS, DESCRIPTION))
