"""How the trainings of the stage `train` ended, as each `train.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.networks.layer_row import LayerRow
from pipeline.params import MODELS, ModelName


@dataclass(frozen=True)
class Trained:
    """How one training ended.

    Attributes:
        parameters: that training changed.
        epoch: whose weights were kept, and whose validation loss and accuracy these are.
        epoch_chosen_on: the faces that chose it (`pipeline.training.selection`).
        passes: over the training faces.
        width: factor of a dense network's hidden widths: 1, or what matches the CNN's size.
        layers: of the network; of an ensemble its members' one after another, `member2.conv1`.
        machine: device, precision and threads of the training.
    """

    parameters: int
    epoch: int
    validation_loss: float
    validation_accuracy: float
    epoch_chosen_on: str
    epochs: int
    passes: float
    width: float
    layers: list[LayerRow]
    machine: dict[str, str]

    def headline(self) -> dict[str, object]:
        """The few numbers of it, and which faces gave them."""
        few = ("parameters", "epoch", "validation_loss", "validation_accuracy", "epoch_chosen_on")
        return {name: getattr(self, name) for name in few} | {"epoch_measured_on": "validation"}


def read() -> dict[ModelName, Trained]:
    """The results that the stage wrote."""
    folders = {model: layout.folder(f"train@{model}") for model in MODELS}
    return {model: read_json(Trained, folder / "train.json") for model, folder in folders.items()}
