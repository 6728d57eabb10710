"""Typed parameters, mirrored key by key in `params.yaml`.

Here are the sections that several stages share; that of one stage alone lies in its folder, in
`pipeline/STAGE/params.py`.

An unknown key, a wrong type or an impossible value is a `UserError` that names the key, the value
and what is allowed, before any work starts. Upper bounds lie far beyond what makes sense, and short
of what would fill a machine's memory or never end.
"""

import reprlib
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
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

    def check(self, params: "Params") -> None:
        """See that the section fits the others; most have nothing to see.

        Raises:
            UserError: it does not; the message begins with the key within the section.
        """


S = TypeVar("S", bound=Section)


LabelMapName = Literal["auto", "fer2013", "raf-db", "affectnet", "ferplus", "kdef", "jaffe"]
"""Names in `pipeline.ingest.labels`; `auto` reads names, and numbers as FER2013's."""

ExpressionOrDrop = Literal[
    "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "drop"
]  # fmt: skip
"""What a class may mean: one of the seven, or that it is left out."""


class Data(Section):
    """Which faces are studied, and what becomes of a row that is not a face."""

    source: Annotated[str, Field(min_length=1, max_length=4096)]
    on_bad_row: Literal["stop", "drop"]
    labels: LabelMapName | Annotated[dict[int | str, ExpressionOrDrop], Field(min_length=1)]

    @field_validator("labels")
    @classmethod
    def _keep_to_one_kind_of_key(cls, labels: str | dict[int | str, str]) -> Any:
        if len({type(key) for key in labels}) > 1:  # DVC sorts them
            raise ValueError(
                'numbers beside names have to be in quotes, as in {"0": neutral, contempt: drop}'
            )
        return labels


FEWEST_FACES = 70
"""Of a study: ten of each expression."""


class Sample(Section):
    """The embedded sample faces: how many, and how hard they are to tell apart."""

    faces: Annotated[int, Field(ge=FEWEST_FACES, le=200_000)]
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
    refit_fraction: Annotated[float, Field(ge=0, lt=1)]
    copies_together: bool
    seed: Seed


Zoom = Annotated[float, Field(ge=0, lt=1)]


class Augmentation(Section):
    """Random changes of a training face; 0 or `none` leaves a change out.

    A single `zoom` keeps a face's proportions; of two, the first stretches it across, the other
    down, each by itself.
    """

    flip: Literal["none", "random", "alternating"]
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Annotated[float, Field(ge=0, lt=1)]
    zoom: Zoom | Annotated[list[Zoom], Field(min_length=2, max_length=2)]
    shear: Annotated[float, Field(ge=0, lt=1)]
    contrast: Annotated[float, Field(ge=0, lt=1)]
    random_erasing: Share


class Machine(Section):
    """On what all trainings run, in which precision, and whether their kernels are compiled."""

    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    compile: Literal["auto", "always", "never"]


class Fit(Section):
    """How a network is fitted: what every training in the study has in common."""

    optimiser: Literal["adamw", "adam", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    epsilon: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    schedule: Literal["one_cycle", "constant"]
    batch: Annotated[int, Field(ge=2, le=16_384)]  # BatchNorm has no statistics of a single face
    epochs: Epochs
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    early_stopping: Annotated[int, Field(ge=0, le=10_000)]
    keep: Literal["best", "last"]
    seed: Seed


ConvolutionalName = Literal[
    "compact-cnn", "paired-cnn", "slim-paired-cnn", "wide-paired-cnn", "vgg-cnn", "triple-cnn",
    "two-by-two-cnn", "wide-cnn", "vgg16-cnn", "leaky-cnn", "plain-cnn", "plain-norm-cnn",
]  # fmt: skip
"""Names in `pipeline.networks.networks`, known here so that a wrong one is named before torch is
imported."""

DenseName = Literal["dense-dnn", "deep-dnn", "small-dnn", "waist-dnn"]
"""Likewise."""

Initialisation = Literal["kaiming", "glorot", "torch"]

Normalisation = Literal["none", "scale", "face", "dataset"]

Dropout = Annotated[float, Field(ge=0, lt=1)] | Literal["own"]
"""A rate for every dropout layer, or each at the rate of its network's design."""


class Train(Fit):
    """One classifier: its network, its inputs and how it is fitted."""

    network: str
    initialisation: Initialisation
    ensemble: Annotated[int, Field(ge=1, le=32)]
    dropout: Dropout
    normalisation: Normalisation
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    cutmix: Share
    augmentation: Augmentation

    @field_validator("ensemble")
    @classmethod
    def _batch_feeds_members(cls, ensemble: int, others: ValidationInfo) -> int:
        batch = others.data.get("batch")
        if batch is not None and batch < 2 * ensemble:
            raise ValueError(f"each needs two faces of a batch at least, and batch is {batch}")
        return ensemble


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

    def check(self, params: "Params") -> None:
        """See that no change of the faces is undone before a network sees it.

        Raises:
            UserError: one is.
        """
        for model in MODELS:
            settings: Train = getattr(params.train, model)
            if settings.normalisation == "face" and settings.augmentation.contrast:
                raise UserError(
                    f"{model}.augmentation.contrast = {settings.augmentation.contrast}: must be 0 "
                    "with normalisation: face, which gives each face the same mean and deviation "
                    "again; or use another normalisation"
                )


class TTA(Section):
    """Test-time augmentation: what a model is shown of a face; the mean answer counts."""

    flip: bool
    shift: Annotated[int, Field(ge=0, le=12)]


class Bootstrap(Section):
    """How often what was measured is drawn anew for an interval, and from which seed."""

    resamples: Annotated[int, Field(ge=100, le=100_000)]
    seed: Seed


class Evaluate(Bootstrap):
    """How the held-out faces are scored, and from which probability on an expression is named."""

    tta: TTA
    not_sure: Share


class Ascent(Section):
    """How an image is changed step by step until it excites what it shall."""

    steps: Annotated[int, Field(ge=1, le=5000)]
    learning_rate: Annotated[float, Field(gt=0, le=1000)]
    smoothness: Annotated[float, Field(ge=0, le=1000)]
    seed: Seed


class Params(Section):
    """All of `params.yaml`: what several stages read, and a section for each other stage."""

    data: Data
    sample: Sample
    split: Split
    machine: Machine
    train: Classifiers
    evaluate: Evaluate

    def section(self, kind: type[S]) -> S:
        """The section of that type, such as `Saliency` of `pipeline.saliency.params`."""
        return next(value for _, value in self if type(value) is kind)

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must hold the sections " + ", ".join(cls.model_fields))
        return value


FORMER = {
    "returned": "refit_fraction",
    "members": "ensemble",
    "mix": "cutmix",
    "averaging": "ema_decay",
    "erase": "random_erasing",
    "views": "tta",
    "hidden": "mask_ratio",
    "device": "machine.device",
    "precision": "machine.precision",
    "compile": "machine.compile",
    "semisupervised.consistency.fit": "semisupervised.classifier",
    "semisupervised.consistency.augmentation": "semisupervised.strong_augmentation",
    "semisupervised.consistency.weight": "semisupervised.strong_weight",
    "semisupervised.consistency.labelled_share": "semisupervised.labelled_share",
}
"""Keys by their former names, or by their former paths; a whole path where the key has moved."""


def load(path: Path = PARAMS) -> Params:
    """Read and check a parameter file.

    Raises:
        UserError: the file is missing, is not YAML, or holds something that is not allowed.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the project's folder") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(read_yaml(content, str(path)), str(path))


def read_yaml(content: str | bytes, name: str) -> Any:
    """Read YAML 1.2, as DVC does: 1e-3 is a number, and neither `on` nor `no` a truth value.

    Raises:
        UserError: it is not YAML; `name` stands before the message.
    """
    try:
        return YAML(typ="safe", pure=True).load(content)
    # A date or a number that cannot be is a ValueError, brackets without end a RecursionError.
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{name}: not YAML: {' '.join(str(error).split())[:300]}") from None


def parse(values: Any, name: str = "params") -> Params:
    """Check parameters that are already read; `name` stands before each message."""
    try:
        params: Params = whole().model_validate(values)
    except ValidationError as error:
        raise UserError("; ".join(_explain(name, error.errors()))) from None
    for key, section in params:
        try:
            section.check(params)
        except UserError as error:
            raise UserError(f"{name}: {key}.{error}") from None
    return params


@cache
def whole() -> type[Params]:
    """`Params` with the sections of all stages that keep theirs in `pipeline/STAGE/params.py`.

    Such a file holds a class with the name of its stage: `ClassImages` for `class_images`.
    """
    found = {}
    for file in sorted(Path(__file__).parent.glob("*/params.py")):
        stage = file.parent.name
        module = vars(import_module(f"pipeline.{stage}.params"))
        found[stage] = next(
            each for name, each in module.items() if name.lower() == stage.replace("_", "")
        )
    sections: Any = {stage: (kind, ...) for stage, kind in found.items()}
    return create_model("Params", __base__=Params, **sections)


def _explain(name: str, details: Sequence[Any]) -> list[str]:
    """One message a key: what is wrong, and where several kinds are allowed, all of them.

    A key that is missing because it is there by its former name is not named twice.
    """
    found: dict[str, list[str]] = {}
    inputs: dict[str, Any] = {}
    renamed: set[str] = set()
    for detail in details:
        section, path = _resolve(detail["loc"])
        key = ".".join(path)
        if detail["type"] == "missing":
            found[f"{key} is missing"] = []
        elif detail["type"] == "extra_forbidden":
            key = ".".join(shown(part).strip("'") for part in detail["loc"])
            place, _, last = key.rpartition(".")
            new = FORMER.get(key, FORMER.get(last, ""))
            if "." in new or new in section:
                now = new if "." in new else f"{place}.{new}"
                found[f"{key} is now called {now}"] = []
                renamed |= {f"{now.rpartition('.')[0]} is missing", f"{now} is missing"}
            else:
                found[f"{key} is not known; allowed here: {', '.join(section)}"] = []
        else:
            inputs.setdefault(key, detail["input"])
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            subject = f"{key or 'the file'} = {shown(inputs[key])}: "
            found.setdefault(subject, []).append(message)
    return [
        f"{name}: {subject}{', or '.join(messages)}"
        for subject, messages in found.items()
        if subject not in renamed
    ]


def shown(value: Any) -> str:
    """A value, on one line and cut short where somebody put a book."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)


def _resolve(location: Sequence[str | int]) -> tuple[list[str], list[str]]:
    """The keys allowed where a location leads to, and the location as a user knows it.

    Pydantic adds the kinds of value that it tried to the location.
    """
    section: Any = whole()
    allowed, path = list(section.model_fields), []
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
