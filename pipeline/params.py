"""Typed parameters: one small class a stage, mirrored key by key in `params.yaml`.

An unknown key, a wrong type or an impossible value is a `UserError` that names the key, the value
and what is allowed, before any work starts. Upper bounds lie far beyond what makes sense, and short
of what would fill a machine's memory or never end.
"""

import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError
from pipeline.layout import PARAMS

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, both ends included."""

Count = Annotated[int, Field(ge=1, le=1000)]

Faces = Annotated[int, Field(ge=1, le=200_000)]
"""As many as five of FER2013."""

Epochs = Annotated[int, Field(ge=1, le=10_000)]

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """A part of `params.yaml`: no unknown keys, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Data(Section):
    """Which faces are studied, and what becomes of a row that is not a face."""

    source: Annotated[str, Field(min_length=1, max_length=4096)]
    on_bad_row: Literal["stop", "drop"]


class Sample(Section):
    """The embedded sample faces: how many, and how hard they are to tell apart."""

    faces: Annotated[int, Field(ge=70, le=200_000)]
    unlabelled: Annotated[int, Field(ge=0, le=200_000)]
    mislabelled: Share
    copies: Share
    noise: Annotated[float, Field(ge=0, le=80)]
    seed: Seed


class Split(Section):
    """How the labelled faces are parted into train, validation and test."""

    method: Literal["stratified", "shuffled", "first_rows", "usage"]
    held_out: Annotated[float, Field(gt=0, lt=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    returned: Annotated[float, Field(ge=0, lt=1)]
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
    batch: Annotated[int, Field(ge=2, le=16_384)]  # BatchNorm has no statistics of a single face
    epochs: Epochs
    averaging: Annotated[float, Field(ge=0, lt=1)]
    early_stopping: Annotated[int, Field(ge=0, le=10_000)]
    keep: Literal["best", "last"]
    seed: Seed
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    compile: Literal["auto", "always", "never"]


ConvolutionalName = Literal[
    "compact-cnn", "residual-cnn", "paired-cnn", "slim-paired-cnn", "wide-paired-cnn", "vgg-cnn",
    "triple-cnn", "two-by-two-cnn", "wide-cnn", "vgg16-cnn", "leaky-cnn", "plain-cnn",
    "plain-norm-cnn",
]  # fmt: skip
"""Names in `pipeline.networks.networks`, known here so that a wrong one is named before torch is
imported."""

DenseName = Literal["dense-dnn", "deep-dnn", "small-dnn", "waist-dnn"]
"""Likewise."""

AutoencoderName = Literal["bottleneck-autoencoder", "wide-autoencoder"]
"""Names in `pipeline.networks.autoencoder.AUTOENCODERS`."""

Dropout = Annotated[float, Field(ge=0, lt=1)] | Literal["own"]
"""A rate for every dropout layer, or each at the rate of its network's design."""


class Train(Fit):
    """One classifier: its network, its inputs and how it is fitted."""

    network: str
    members: Annotated[int, Field(ge=1, le=32)]
    dropout: Dropout
    normalisation: Literal["none", "scale", "face", "dataset"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    mix: Share
    augmentation: Augmentation

    @field_validator("members")
    @classmethod
    def _batch_feeds_members(cls, members: int, others: ValidationInfo) -> int:
        batch = others.data.get("batch")
        if batch is not None and batch < 2 * members:
            raise ValueError(f"each needs two faces of a batch at least, and batch is {batch}")
        return members


class TrainConvolutional(Train):
    """The CNN."""

    network: ConvolutionalName


class TrainDense(Train):
    """Its opponent, of its own size or of the CNN's."""

    network: DenseName
    match: Literal["dnn", "cnn"]


ModelName = Literal["cnn", "dnn"]
"""The two classifiers that the study compares; each key of `train` in params.yaml."""

MODELS: tuple[ModelName, ...] = get_args(ModelName)


class Classifiers(Section):
    """The two classifiers that the study compares."""

    cnn: TrainConvolutional
    dnn: TrainDense


class Views(Section):
    """What a model is shown of a face whose expression it names; the mean answer counts."""

    flip: bool
    shift: Annotated[int, Field(ge=0, le=12)]


class Evaluate(Section):
    """How the held-out faces are scored."""

    views: Views
    resamples: Annotated[int, Field(ge=100, le=100_000)]
    seed: Seed


class Saliency(Section):
    """How maps are made, and over how many faces they are measured."""

    samples: Count
    noise: Annotated[float, Field(gt=0, lt=1)]
    steps: Annotated[int, Field(ge=2, le=1000)]
    mask: Annotated[float, Field(gt=0, lt=1)]
    faces: Faces
    random: Count
    seed: Seed


class Lime(Section):
    """Superpixels, and how often some of them are hidden."""

    segments: Annotated[int, Field(ge=4, le=500)]
    samples: Annotated[int, Field(ge=10, le=100_000)]
    marked: Count
    seed: Seed


class Ascent(Section):
    """How an image is changed step by step until it excites what it shall."""

    steps: Annotated[int, Field(ge=1, le=5000)]
    learning_rate: Annotated[float, Field(gt=0, le=1000)]
    smoothness: Annotated[float, Field(ge=0, le=1000)]
    seed: Seed


class Filters(Ascent):
    """Activation maximisation: which layers, how many filters, how long."""

    layers: Annotated[list[str], Field(min_length=1, max_length=100)] | Literal["auto"]
    filters: Count
    strongest: Count
    random: Count
    face: Annotated[int, Field(ge=0, lt=2**31)]


class ClassImages(Ascent):
    """Images from noise that a network takes for each expression."""


class Consistency(Section):
    """Naming unlabelled faces alike however they are changed (FixMatch, mean teacher)."""

    temperature: Annotated[float, Field(ge=0.05, le=1)]
    threshold: Annotated[float, Field(ge=0, lt=1)]
    rare: Share
    weight: Annotated[float, Field(ge=0, le=1000)]
    labelled_share: Annotated[float, Field(gt=0, le=1)]
    augmentation: Augmentation
    fit: Fit


class SemiSupervised(Section):
    """What unlabelled faces are worth: labels removed, autoencoder, classifier on top."""

    labelled_fraction: Annotated[float, Field(gt=0, lt=1)]
    unlabelled_file: bool
    network: AutoencoderName
    code: Annotated[int, Field(ge=1, le=16_384)]
    noise: Annotated[float, Field(ge=0, lt=1)]
    hidden: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    autoencoder: Fit
    classifier: Fit
    consistency: Consistency


class Params(Section):
    """All of `params.yaml`."""

    data: Data
    sample: Sample
    split: Split
    train: Classifiers
    evaluate: Evaluate
    saliency: Saliency
    lime: Lime
    filters: Filters
    class_images: ClassImages
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
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    # A date or a number that cannot be is a ValueError, brackets without end a RecursionError.
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())[:300]}") from None
    return parse(values, str(path))


def parse(values: Any, name: str = "params") -> Params:
    """Check parameters that are already read; `name` stands before each message."""
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        raise UserError("; ".join(_explain(name, error.errors()))) from None
    _check_layers(params, name)
    return params


def _check_layers(params: Params, name: str) -> None:
    layers = params.filters.layers
    if layers == "auto":
        return
    # Only a network knows its layers; whoever leaves them to it does not wait for torch.
    from pipeline.filters.activations import require_maps

    network = params.train.cnn.network
    try:
        require_maps(network, layers)
    except UserError as error:
        raise UserError(f"{name}: filters.layers = {_shown(layers)}: {network}: {error}") from None


def _explain(name: str, details: Sequence[Any]) -> list[str]:
    """One message a key: what is wrong, and where several kinds are allowed, all of them."""
    found: dict[str, list[str]] = {}
    inputs: dict[str, Any] = {}
    for detail in details:
        section, path = _resolve(detail["loc"])
        key = ".".join(path)
        if detail["type"] == "missing":
            found[f"{key} is missing"] = []
        elif detail["type"] == "extra_forbidden":
            key = ".".join(_shown(part).strip("'") for part in detail["loc"])
            found[f"{key} is not known; allowed here: {', '.join(section)}"] = []
        else:
            inputs.setdefault(key, detail["input"])
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            subject = f"{key or 'the file'} = {_shown(inputs[key])}: "
            found.setdefault(subject, []).append(message)
    return [f"{name}: {subject}{', or '.join(messages)}" for subject, messages in found.items()]


def _shown(value: Any) -> str:
    """A value, on one line and cut short where somebody put a book."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)


def _resolve(location: Sequence[str | int]) -> tuple[list[str], list[str]]:
    """The keys allowed where a location leads to, and the location as a user knows it.

    Pydantic adds the kinds of value that it tried to the location.
    """
    section: Any = Params
    allowed, path = list(Params.model_fields), []
    for part in location:
        if section is None:
            if isinstance(part, int):
                path.append(str(part))
            continue
        allowed = list(section.model_fields)
        if part not in section.model_fields:
            break
        path.append(str(part))
        annotation = section.model_fields[str(part)].annotation
        is_section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        section = annotation if is_section else None
    return allowed, path
