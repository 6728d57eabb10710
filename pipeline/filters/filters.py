"""Filters of a convolution: which to look at, and images that excite them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.explaining.ascent import Images, ascend
from pipeline.filters.activations import Maps, layer_output
from pipeline.params import Ascent

Filters = NDArray[np.int64]
"""Numbers of channels in a layer, (F,)."""


@dataclass(frozen=True)
class Maximised:
    """Images that excite filters, the most excited first.

    Attributes:
        filters: number of each filter in its layer, (F,).
        images: grey levels 0..255, (F, 48, 48).
        before: mean activation of the filter on the image that it started from, (F,).
        after: on the image it ended with, (F,).
    """

    filters: Filters
    images: Images
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def choose_filters(total: int, wanted: int, seed: int) -> Filters:
    """Some different filters of a layer, at random, in rising order."""
    chosen = np.random.default_rng(seed).choice(total, size=min(wanted, total), replace=False)
    return np.sort(chosen)


def strongest_filters(outputs: Maps, wanted: int) -> Filters:
    """The filters with the highest mean output (filters, height, width), the strongest first."""
    return np.argsort(-outputs.mean(axis=(1, 2)), kind="stable")[:wanted]


def maximise(
    model: nn.Module,
    layer: str,
    filters: Sequence[int] | NDArray[np.integer],
    start: Images,
    settings: Ascent,
) -> Maximised:
    """Change images until they excite a filter each: its mean output is raised.

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        layer: the name of a layer with outputs (N, channels, height, width).
        filters: numbers of channels, (F,).
        start: what to start from, grey levels (F, 48, 48): noise, or a face again and again.
        settings: of the ascent.

    Raises:
        UserError: there is no such layer, or it gives no maps.
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
    return Maximised(
        filters=np.asarray(filters, np.int64)[order],
        images=found.images[order],
        before=found.before[order],
        after=found.after[order],
    )
