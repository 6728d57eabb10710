"""A trained classifier on disk: weights as safetensors, a small json that says what they are for.

No pickle: loading a model from a stranger runs none of the stranger's code.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from pipeline import disk
from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.memory_format import to_device

WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"


def save_weights(module: nn.Module, path: Path) -> None:
    """Write all parameters and buffers in a layout that does not depend on the device."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()
    }
    with disk.whole(path) as partial:
        save_file(tensors, partial)


def save_classifier(
    classifier: Classifier, folder: Path, trained_on: Mapping[str, str] | None = None
) -> None:
    """Write `weights.safetensors` and `model.json` into a folder.

    The latter says on what it was trained, for the reader: nothing is rebuilt from that.
    """
    description = {
        "architecture": asdict(classifier.architecture),
        "input": f"grey levels 0..255, shape (N, 1, {SIDE}, {SIDE})",
        "output": "logits, shape (N, 7)",
        "classes": list(EXPRESSIONS),
        "trained_on": dict(trained_on or {}),
    }
    save_weights(classifier, folder / WEIGHTS)
    disk.write_text(folder / DESCRIPTION, json.dumps(description, indent=2) + "\n")


def keep_small(folder: Path, target: Path) -> None:
    """Copy a saved classifier with its weights in bfloat16: half as large, and loaded as any other.

    Raises:
        UserError: the folder does not hold a classifier.
    """
    save_weights(load_classifier(folder).to(torch.bfloat16), target / WEIGHTS)
    disk.write_text(target / DESCRIPTION, (folder / DESCRIPTION).read_text(encoding="utf-8"))


def load_classifier(folder: Path) -> Classifier:
    """Rebuild a saved classifier on the CPU, in evaluation mode.

    Raises:
        UserError: the folder does not hold a classifier, or its parts do not fit together.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        classifier = Classifier(Architecture(**description["architecture"]))
        classifier.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise UserError(f"{folder}: no trained model here ({error.filename} is missing)") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{folder}: not a model of this study: {reason}") from None
    to_device(classifier, "cpu")
    return classifier.eval()
