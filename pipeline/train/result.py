"""How the trainings of the stage `train` ended, from the files that it leaves."""

import csv
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from pipeline import layout
from pipeline.files import read_json, read_text
from pipeline.params import MODELS, ModelName


@dataclass(frozen=True)
class Layer:
    """A row of a network's table; see `pipeline.networks.table.LayerRow`."""

    name: str
    kind: str
    shape: str
    parameters: int
    trainable: int


@dataclass(frozen=True)
class Trained:
    """How one training ended.

    Attributes:
        epoch: whose weights were kept.
        validation_loss: of that epoch.
        validation_accuracy: likewise.
        epochs: how many there were.
        passes: over the training faces.
        width: factor of a dense network's hidden widths: 1, or what matches the CNN's size.
        layers: of the network.
        machine: device, precision and threads of the training.
    """

    epoch: int
    validation_loss: float
    validation_accuracy: float
    epochs: int
    passes: float
    width: float
    layers: list[Layer]
    machine: dict[str, str]


def read() -> dict[ModelName, Trained]:
    """The results that the stage wrote."""
    return {model: _read(model) for model in MODELS}


def _read(model: ModelName) -> Trained:
    folder = layout.folder(f"train@{model}")
    kept = read_json(dict[str, dict[str, Any]], layout.metrics(f"train@{model}"))[model]
    described = read_json(dict[str, Any], folder / "model.json")
    history, layers = (
        list(csv.DictReader(read_text(folder / name).splitlines()))
        for name in ("history.csv", "layers.csv")
    )
    return TypeAdapter(Trained).validate_python(
        kept
        | {
            "epochs": len(history),
            "passes": history[-1]["passes"],
            "width": described["architecture"]["width"],
            "layers": layers,
            "machine": {
                name: str(value) for name, value in described.get("trained_on", {}).items()
            },
        }
    )
