"""A trained model as one ONNX file: `python -m pipeline.export MODEL FILE`.

MODEL is what `python -m pipeline.explain` takes. The file holds all that an answer needs, for any
program that runs ONNX and without this project: normalisation, network, test-time augmentation and
temperature. It takes `faces`, float32 (N, 1, 48, 48), grey levels 0..255, and gives
`probabilities`, float32 (N, 7), in the order of the file's own property `classes`.
"""

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from pipeline import disk
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.networks.answering import Answering
from pipeline.params import load
from pipeline.predict.model import read_temperature
from pipeline.trained_models import NAMES, find_classifier


def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.export",
        description="Write a trained model with all that its answers need to an ONNX file.",
    )
    parser.add_argument("model", help=NAMES)
    parser.add_argument("file", type=Path, help="such as model.onnx; is replaced if it is there")
    chosen = parser.parse_args(arguments)
    try:
        classifier, temperature = find_classifier(chosen.model), read_temperature(chosen.model)
        export(Answering(classifier, load().evaluate.tta, temperature), chosen.file)
    except UserError as error:
        print(f"export: error: {error}", file=sys.stderr)
        return 1
    print(chosen.file)
    return 0


def export(answering: Answering, path: Path) -> None:
    """Write an answering classifier as ONNX; the same one gives the same bytes.

    Raises:
        UserError: the packages that write ONNX are not installed, or the disk is full.
    """
    import torch

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
        program = torch.onnx.export(
            answering.eval(), (faces,), dynamo=True, verbose=False, external_data=False,
            input_names=["faces"], output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("faces")},),
        )  # fmt: skip
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    model = program.model
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # else it names the folder of the code that made it
    model.metadata_props["classes"] = ",".join(EXPRESSIONS)
    with disk.whole(path) as partial:
        program.save(str(partial))


if __name__ == "__main__":
    sys.exit(main())
