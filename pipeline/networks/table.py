"""A network as a table: its layers, what comes out of them and how many numbers they hold.

Counted as Keras does, so that a report's table can be laid beside it: BatchNorm's running mean and
variance are among a layer's parameters, and are not trainable.
"""

import copy

import torch
from torch import Tensor, nn

from pipeline.networks.layer_row import LayerRow
from pipeline.networks.layers import FACE
from pipeline.networks.networks import count_parameters


def tabulate(network: nn.Module) -> list[LayerRow]:
    """List the layers of a network of normalised faces, from the input on.

    A block that is a module of its own (a residual block, an encoder) is one row.
    """
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def remember(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        shapes[layer] = tuple(output.shape[1:])

    seen = copy.deepcopy(network).to("meta").eval()  # where nothing is computed but shapes
    for layer in seen.children():
        layer.register_forward_hook(remember)
    with torch.device("meta"):
        seen(torch.zeros(1, *FACE))
    return [
        LayerRow(
            name, type(layer).__name__, shapes[layer], count_all(layer), count_parameters(layer)
        )
        for name, layer in seen.named_children()
    ]


def count_all(network: nn.Module) -> int:
    """Keras' total: all parameters and BatchNorm's statistics, but for torch's count of batches."""
    statistics = sum(buffer.numel() for buffer in network.buffers() if buffer.ndim)
    return count_parameters(network) + statistics
