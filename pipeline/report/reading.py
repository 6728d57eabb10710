"""From the stages' files to the report's content."""

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline import layout
from pipeline.errors import UserError
from pipeline.params import MODELS, ModelName, Params
from pipeline.report.content import (
    ClassImages,
    Confusion,
    Deciding,
    Evaluation,
    Filters,
    Ingested,
    Looked,
    Parts,
    Provenance,
    ReportContent,
    SemiSupervised,
    Trained,
)
from pipeline.tracking.provenance import versions

T = TypeVar("T")

_OF_LAYER = ("strongest", "from-noise", "from-face")

_FIGURES = (
    "ingest/faces",
    "split/counts",
    "train@cnn/history",
    "train@dnn/history",
    "evaluate/recall",
    "evaluate/calibration",
    "confusion/cnn",
    "confusion/dnn",
    "confusion/cnn-negative",
    "confusion/dnn-negative",
    "confusion/frequency",
    *(
        f"saliency/{model}/{name}"
        for model in MODELS
        for name in ("methods", "triptych", "overlay", "loss", "deletion")
    ),
    *(f"class_images/{model}/classes" for model in MODELS),
    "lime/cnn/lime",
    "lime/dnn/lime",
    "semisupervised/reconstructions",
    "semisupervised/accuracy",
    "semisupervised/autoencoder",
)
"""As `STAGE/NAME`; those of each layer come on top."""


def read_content(params: Params) -> ReportContent:
    """Read all results of the study, from the project's folder.

    Raises:
        UserError: a result is missing, or is not what its stage writes.
    """
    evaluation, semisupervised = read_headline()
    filters = _read(dict[Any, Filters], layout.folder("filters") / "filters.json")
    return ReportContent(
        params=params,
        ingested=_read(Ingested, layout.folder("ingest") / "report.json"),
        parts=_read(dict[str, Parts], layout.metrics("split"))["split"],
        trained={model: _read_training(model) for model in MODELS},
        evaluation=evaluation,
        confusion=_read(dict[Any, Confusion], layout.folder("confusion") / "confusion.json"),
        looked=_read(dict[Any, Looked], layout.folder("saliency") / "saliency.json"),
        deciding=_read(dict[Any, Deciding], layout.folder("lime") / "lime.json"),
        filters=filters,
        class_images=_read(
            dict[Any, ClassImages], layout.folder("class_images") / "class_images.json"
        ),
        semisupervised=semisupervised,
        figures={name: _read_figure(name) for name in figure_names(filters)},
        provenance=Provenance(code_md5(), versions(), _read_machine()),
    )


def read_headline() -> tuple[Evaluation, SemiSupervised]:
    """The two results that the short table shows.

    Raises:
        UserError: see `read_content`.
    """
    return (
        _read(Evaluation, layout.folder("evaluate") / "scores.json"),
        _read(SemiSupervised, layout.folder("semisupervised") / "semisupervised.json"),
    )


def figure_names(filters: Mapping[ModelName, Filters]) -> list[str]:
    """The figures of the page, as `STAGE/NAME`: those of filters depend on the networks."""
    names = [*_FIGURES]
    for model, shown in filters.items():
        if shown.layers:
            names += [f"filters/{model}/{name}" for name in ("kernels", "first-outputs", "last")]
        for layer in shown.layers:
            names += [f"filters/{model}/{layer}-{kind}" for kind in _OF_LAYER]
    return names


def code_md5(package: Path = Path(__file__).parents[1]) -> str:
    """MD5 sum over the names and contents of a package's Python files."""
    digest = hashlib.md5(usedforsecurity=False)
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_training(model: str) -> Trained:
    folder = layout.folder(f"train@{model}")
    kept = _read(dict[str, dict[str, Any]], layout.metrics(f"train@{model}"))[model]
    described = _read(dict[str, Any], folder / "model.json")
    history = _rows(folder / "history.csv")
    return TypeAdapter(Trained).validate_python(
        kept
        | {
            "epochs": len(history),
            "passes": history[-1]["passes"],
            "width": described["architecture"]["width"],
            "layers": _rows(folder / "layers.csv"),
        }
    )


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(path).splitlines()))


def _read_machine() -> dict[str, str]:
    """Device, precision and threads of the CNN's training, as its stage kept them."""
    kept = _read(dict[str, Any], layout.folder("train@cnn") / "model.json")
    return {name: str(value) for name, value in kept.get("trained_on", {}).items()}


def _read_figure(name: str) -> str:
    stage, file = name.split("/", 1)
    return _text(layout.figures(stage) / f"{file}.svg")


def _read(kind: type[T], path: Path) -> T:
    try:
        return TypeAdapter(kind).validate_json(_text(path))
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise UserError(
            f"{path}: {key or 'the file'}: {detail['msg']}; make it again with `dvc repro`"
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; make it with `dvc repro`") from None
