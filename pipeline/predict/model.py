"""Which trained model answers, and what its probabilities need to mean what they say."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from pipeline import layout
from pipeline.dotted_keys import flatten
from pipeline.dvc_yaml import choosing_files, read_locked
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

    The temperature was fitted to the mean over these views of a face, or those of params.yaml.
    """

    temperature: float
    tta: TTA | None = None


AS_IT_IS = Tempering(1.0)


class Loaded(NamedTuple):
    """A model that answers, and what it is called, with what a user must know of it."""

    title: str
    recogniser: Recogniser
    is_drawn: bool
    """Whether it knows the study's drawn faces alone."""


def load_recogniser(
    params: Params, model: str | None = None, not_sure: float | None = None
) -> Loaded:
    """Load a model by name, folder or address, or the one that is meant for this project.

    Below the probability `not_sure`, or that of params.yaml, no expression is named.

    Raises:
        UserError: there is no such model.
    """
    name = choose_model(params) if model is None else model
    threshold = params.evaluate.not_sure if not_sure is None else not_sure
    with model_folder(name) as folder:
        classifier, tempering = load_classifier(folder), _find_tempering(name, folder)
    tta = tempering.tta or params.evaluate.tta
    recogniser = Recogniser(classifier, tempering.temperature, threshold, tta)
    is_drawn = name in MODELS and _is_of_drawn_faces(params)
    return Loaded(f"{name} ({DRAWN})" if is_drawn else name, recogniser, is_drawn)


def choose_model(params: Params) -> str:
    """The network in `weights/`, or the study's own CNN of real faces where that is as good.

    Which is better, validation faces say (`pipeline.statistics.champion.judge`).

    Raises:
        UserError: there is none.
    """
    own, at_hand = (
        all((folder / name).is_file() for name in (WEIGHTS, DESCRIPTION))
        for folder in (layout.folder(f"train@{OWN}"), layout.WEIGHTS)
    )
    if not own and not at_hand:
        raise UserError(f"{layout.WEIGHTS}: no trained model here; train one with `make study`")
    if not at_hand or (own and not _is_of_drawn_faces(params) and _own_is_better()):
        return OWN
    return str(layout.WEIGHTS)


def _is_of_drawn_faces(params: Params) -> bool:
    """Whether the study's own networks are: of what was ingested, not of what is to be next."""
    ingested = flatten(read_locked().get("ingest", {}).get("params", {}))
    source = ingested.get(f"{layout.PARAMS}.data.source", params.data.source)
    return layout.is_sample(source)


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
    """From `calibration.json` as the stage `evaluate` writes it, or as it lies beside one model."""
    if name in MODELS and is_emptied("evaluate"):  # what it found is of a network that is gone
        return AS_IT_IS
    path = layout.CALIBRATION if name in MODELS else folder / layout.CALIBRATION.name
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found = found.get(name if name in MODELS else OWN, found)
        return TypeAdapter(Tempering).validate_python(found)
    except FileNotFoundError:
        return AS_IT_IS
    except (ValueError, AttributeError):
        raise UserError(f"{path}: holds no temperature; make it again with `dvc repro`") from None
