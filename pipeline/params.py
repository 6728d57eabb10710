"""Typed parameters: one small class a stage, mirrored key by key in `params.yaml`.

An unknown key, a wrong type or an impossible value is a `UserError` that names the key, the value
and what is allowed, before any work starts.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError
from pipeline.layout import PARAMS

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, both ends included."""

Count = Annotated[int, Field(ge=1)]

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """A part of `params.yaml`: no unknown keys, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Data(Section):
    """Which faces are studied, and what becomes of a row that is not a face."""

    source: str
    on_bad_row: Literal["stop", "drop"]


class Sample(Section):
    """The embedded sample faces: how many, and how hard they are to tell apart."""

    faces: Annotated[int, Field(ge=70)]
    unlabelled: Annotated[int, Field(ge=0)]
    mislabelled: Share
    copies: Share
    noise: Annotated[float, Field(ge=0, le=80)]
    seed: Seed


class Split(Section):
    """How the labelled faces are parted into train, validation and test."""

    method: Literal["stratified", "shuffled", "first_rows", "usage"]
    held_out: Annotated[float, Field(gt=0, lt=1)]
    first_rows: Count
    validation: Annotated[float, Field(gt=0, lt=1)]
    copies_together: bool
    seed: Seed


class Augmentation(Section):
    """Random changes of a training face; 0 or `none` leaves a change out."""

    flip: Literal["none", "random", "alternating"]
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Annotated[float, Field(ge=0, lt=1)]
    zoom: Annotated[float, Field(ge=0, lt=1)]
    shear: Annotated[float, Field(ge=0, lt=1)]
    contrast: Annotated[float, Field(ge=0, lt=1)]
    erase: Share


class Fit(Section):
    """How a network is fitted: what every training in the study has in common."""

    optimiser: Literal["adamw", "adam", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    schedule: Literal["one_cycle", "constant"]
    batch: Annotated[int, Field(ge=2)]  # BatchNorm has no statistics of a single face
    epochs: Count
    averaging: Annotated[float, Field(ge=0, lt=1)]
    early_stopping: Annotated[int, Field(ge=0)]
    keep: Literal["best", "last"]
    seed: Seed
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    compile: Literal["auto", "always", "never"]


NetworkName = Literal["compact-cnn", "dense-dnn"]
"""Names in `pipeline.models.networks.NETWORKS`, known here so that a wrong one is named before
torch is imported."""


class Train(Fit):
    """One classifier: its network, its inputs and how it is fitted."""

    network: NetworkName
    dropout: Annotated[float, Field(ge=0, lt=1)]
    normalisation: Literal["none", "scale", "face", "dataset"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation


ModelName = Literal["cnn", "dnn"]
"""The two classifiers that the study compares; each key of `train` in params.yaml."""

MODELS: tuple[ModelName, ...] = get_args(ModelName)


class Classifiers(Section):
    """The two classifiers that the study compares."""

    cnn: Train
    dnn: Train


class Evaluate(Section):
    """How the held-out faces are scored."""

    flip: bool
    resamples: Annotated[int, Field(ge=100, le=100_000)]
    seed: Seed


class Saliency(Section):
    """Which explanation is drawn, and over how many faces it is measured."""

    samples: Count
    noise: Annotated[float, Field(gt=0, lt=1)]
    mask: Annotated[float, Field(gt=0, lt=1)]
    faces: Count
    seed: Seed


class Filters(Section):
    """Activation maximisation: which layers, how many filters, how long."""

    layers: Annotated[list[str], Field(min_length=1)]
    filters: Count
    steps: Annotated[int, Field(ge=1, le=5000)]
    learning_rate: Annotated[float, Field(gt=0)]
    smoothness: Annotated[float, Field(ge=0)]
    face: Annotated[int, Field(ge=0)]
    seed: Seed


class SemiSupervised(Section):
    """What unlabelled faces are worth: labels removed, autoencoder, classifier on top."""

    labelled_fraction: Annotated[float, Field(gt=0, lt=1)]
    unlabelled_file: bool
    code: Count
    noise: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    autoencoder: Fit
    classifier: Fit


class Params(Section):
    """All of `params.yaml`."""

    data: Data
    sample: Sample
    split: Split
    train: Classifiers
    evaluate: Evaluate
    saliency: Saliency
    filters: Filters
    semisupervised: SemiSupervised

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must hold the sections " + ", ".join(cls.model_fields))
        return value


def load(path: Path = PARAMS) -> Params:
    """Read and check a parameter file.

    Raises:
        UserError: the file is missing, is not YAML, or holds something that is not allowed.
    """
    try:
        # YAML 1.2, as DVC reads it: 1e-3 is a number, and neither `on` nor `no` a truth value.
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the project's folder") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return parse(values, str(path))


def parse(values: Any, name: str = "params") -> Params:
    """Check parameters that are already read; `name` stands before each message."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise UserError("; ".join(_explain(name, detail) for detail in error.errors())) from None


def _explain(name: str, detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{name}: {key} is missing"
    if detail["type"] == "extra_forbidden":
        allowed = ", ".join(_siblings(detail["loc"][:-1]))
        return f"{name}: {key} is not known; allowed here: {allowed}"
    message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{name}: {key or 'the file'} = {detail['input']!r}: {message}"


def _siblings(path: tuple[str | int, ...]) -> list[str]:
    section: type[BaseModel] = Params
    for part in path:
        annotation = section.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)
