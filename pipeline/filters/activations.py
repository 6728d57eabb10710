"""What goes on inside a network: the outputs of its layers, by their names."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.errors import UserError
from pipeline.faces.expressions import SIDE
from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members
from pipeline.networks.inference import inputs_of
from pipeline.networks.networks import build_network, convolutions

Maps = NDArray[np.float32]

SHOWN_LAYERS = 4


def pick_layers(network: nn.Module) -> list[str]:
    """Top-level layers to show: convolutions or blocks of them, evenly from the first on."""
    spatial = [
        name
        for name, layer in network.named_children()
        if any(isinstance(part, nn.Conv2d) for part in layer.modules())
    ]
    places = np.linspace(0, len(spatial) - 1, min(SHOWN_LAYERS, len(spatial)))
    return [spatial[round(place)] for place in places]


def last_convolution(network: nn.Module) -> str:
    """The last convolution of more than one pixel: not the 1x1 of a shortcut."""
    named = reversed(convolutions(network))
    return next(name for name in named if network.get_submodule(name).kernel_size != (1, 1))


def first_activation(network: nn.Module) -> str:
    """The first ReLU, leaky or not: what the filters of the first convolution pass on."""
    parts: Iterator[tuple[str, nn.Module]] = network.named_modules()
    return next(name for name, part in parts if isinstance(part, nn.ReLU | nn.LeakyReLU))


def first_member(model: Classifier) -> tuple[str, nn.Module]:
    """The network that is shown, and its name in the classifier: of an ensemble, the first member.

    The others are like it, from other random weights.
    """
    name, network = next(iter(members(model.network).items()))
    return f"network.{name}".removesuffix("."), network


class _Reached(Exception):  # noqa: N818  (a way out, not an error)
    """Leaves a forward pass at the layer that was wanted: what comes after is not computed."""


def layer_output(model: nn.Module, layer: str, inputs: Tensor) -> Tensor:
    """What a layer gives for some inputs; differentiable.

    Raises:
        UserError: the model has no such layer, or it gives no maps (N, channels, height, width).
    """
    reached: list[Tensor] = []

    def stop(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        reached.append(output)
        raise _Reached

    handle = find_layer(model, layer).register_forward_hook(stop)
    try:
        model(inputs)
    except _Reached:
        pass
    finally:
        handle.remove()
    if reached[0].ndim != 4:
        raise UserError(
            f"layer {layer.removeprefix('network.')!r} gives no maps but rows of "
            f"{reached[0].shape[-1]} numbers; its network's convolutions are: {_spatial(model)}"
        )
    return reached[0]


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """The layer of a name, such as `block2` or `block2.first.0`.

    Raises:
        UserError: there is none; the message names those that have channels of pixels.
    """
    found: nn.Module | None = dict(model.named_modules()).get(layer)
    if found is None or not layer:
        raise UserError(
            f"layer {layer!r} is not in this network; its convolutions are: {_spatial(model)}"
        )
    return found


def require_maps(network: str, layers: Sequence[str]) -> None:
    """Check a network's layers by name before there is one, without its memory and time.

    Raises:
        UserError: there is no such layer, or it gives no maps.
    """
    with torch.device("meta"):
        model, face = build_network(network).eval(), torch.empty(1, 1, SIDE, SIDE)
    for layer in layers:
        layer_output(model, layer, face)


@torch.no_grad()
def layer_outputs(model: nn.Module, layer: str, faces: NDArray[np.uint8]) -> Maps:
    """What each filter of a layer makes of faces (N, 48, 48): (N, filters, height, width)."""
    result: Maps = layer_output(model.eval(), layer, inputs_of(model, faces)).float().cpu().numpy()
    return result


def _spatial(model: nn.Module) -> str:
    """The names of a model's convolutions, for a message."""
    return ", ".join(name.removeprefix("network.") for name in convolutions(model)) or "none"
