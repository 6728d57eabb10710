"""Filters of a convolution: which are shown, and images that excite them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.explaining.ascent import Images, ascend
from pipeline.filters.activations import Maps, layer_output
from pipeline.filters.result import Excited
from pipeline.params import Ascent

Numbers = NDArray[np.int64]
"""Of channels in a layer, (F,)."""


def choose_filters(total: int, wanted: int, seed: int) -> Numbers:
    """Some different filters of a layer, at random, in rising order."""
    chosen = np.random.default_rng(seed).choice(total, size=min(wanted, total), replace=False)
    return np.sort(chosen)


def strongest_filters(outputs: Maps, wanted: int) -> Numbers:
    """The filters with the highest mean output (filters, height, width), the strongest first."""
    return np.argsort(-outputs.mean(axis=(1, 2)), kind="stable")[:wanted]


def maximise(
    model: nn.Module,
    layer: str,
    filters: Sequence[int] | NDArray[np.integer],
    start: Images,
    settings: Ascent,
) -> tuple[Images, Excited]:
    """Change images (F, 48, 48) until each excites its filter of a layer: raises its mean output.

    Gives the images and their filters, the most excited first.
    """
    model.eval()
    device = next(model.parameters()).device
    chosen = torch.as_tensor(np.array(filters), device=device)
    rows = torch.arange(len(chosen), device=device)

    def excitement(images: Tensor) -> Tensor:
        outputs = layer_output(model, layer, images).float()
        return outputs[rows, chosen].flatten(1).mean(dim=1)

    found = ascend(excitement, start, settings, device)
    order = np.argsort(-found.after, kind="stable")
    numbers = np.asarray(filters, np.int64)[order].tolist()
    return found.images[order], Excited(
        numbers, found.before[order].tolist(), found.after[order].tolist()
    )
