"""A trained model for use elsewhere: `python -m pipeline.export MODEL FILE.onnx | FOLDER`.

MODEL is what `python -m pipeline.explain` takes. Either holds all that an answer needs:
normalisation, network, test-time augmentation and temperature.

An ONNX file is for any program that runs such, without this project. It takes `faces`, float32
(N, 1, 48, 48), grey levels 0..255, and gives `probabilities`, float32 (N, 7), in the order of the
file's own property `classes`.

A folder is an MLflow model for `mlflow models serve`: it takes pictures, finds the faces in them
and answers as `python -m pipeline.predict --json` does (`pipeline.serving.served`).
"""

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pipeline import disk
from pipeline.command import command
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import show_views
from pipeline.params import TTA, load
from pipeline.predict.model import load_recogniser
from pipeline.serving.saving import save_served
from pipeline.statistics.temperature import SMALLEST
from pipeline.trained_models import NAMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.export",
        description="Write a trained model with all that its answers need.",
    )
    parser.add_argument("model", help=NAMES)
    parser.add_argument(
        "to", type=Path, metavar="FILE.onnx|FOLDER",
        help="an ONNX file, or a new folder for `mlflow models serve -m FOLDER`",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    with command("export", chosen.to):
        recogniser = load_recogniser(load(), chosen.model).recogniser
        if chosen.to.suffix == ".onnx":
            made = Answering(recogniser.classifier, recogniser.tta, recogniser.temperature)
            write_onnx(made, chosen.to)
        else:
            save_served(recogniser, chosen.to)
    print(chosen.to)
    return 0


class Answering(nn.Module):
    """Faces (N, 1, 48, 48), grey levels 0..255, to calibrated probabilities (N, 7), as one module.

    The mean answer for what `tta` shows of a face counts; the temperature divides its logarithms
    (`pipeline.statistics.temperature.temper`).
    """

    def __init__(self, classifier: Classifier, tta: TTA, temperature: float) -> None:
        super().__init__()
        self.classifier, self.tta, self.temperature = classifier, tta, temperature

    def forward(self, faces: Tensor) -> Tensor:
        """Probabilities of each face, in the order of `EXPRESSIONS`."""
        views = list(show_views(faces.float(), self.tta))
        # All at once: an exported graph then holds the network once, not for each view.
        answers = self.classifier(torch.cat(views)).softmax(dim=1)
        mean = answers.reshape(len(views), -1, answers.shape[1]).mean(dim=0)
        tempered: Tensor = mean.clamp_min(SMALLEST).log() / self.temperature
        return tempered.softmax(dim=1)


def write_onnx(answering: Answering, path: Path) -> None:
    """Write an answering classifier as ONNX; the same one gives the same bytes.

    Raises:
        UserError: the packages that write ONNX are not installed.
    """
    try:
        import onnxscript  # noqa: F401 (torch exports by it)
    except ImportError:
        raise UserError(
            "onnxscript is not installed; `pip install -c constraints.txt -e '.[onnx]'`"
        ) from None
    # Of operators of torchvision, which no network here has, and of torch's own old names.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    # Two faces: torch.export would take the number of one for a constant.
    faces = torch.zeros(2, 1, SIDE, SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            answering.eval(), (faces,), dynamo=True, verbose=False, external_data=False,
            input_names=["faces"], output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("faces")},),
        )  # fmt: skip
    model = program.model
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # else it names the folder of the code that made it
    model.metadata_props["classes"] = ",".join(EXPRESSIONS)
    with disk.whole(path) as partial:
        program.save(str(partial))


if __name__ == "__main__":
    sys.exit(main())
