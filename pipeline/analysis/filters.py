"""What the filters of a network see: images that excite them, and what they make of a face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipeline.data.expressions import SIDE
from pipeline.errors import UserError

Images = NDArray[np.float32]

JITTER = 2
"""Pixels by which the image is moved about while it is optimised: what survives is robust."""


@dataclass(frozen=True)
class Maximised:
    """Images that excite filters, the most excited first.

    Attributes:
        filters: number of each filter in its layer, (F,).
        images: grey levels 0..255, (F, 48, 48).
        before: activation of the filter on the image that optimisation started from, (F,).
        after: on the image it ended with, (F,).
    """

    filters: NDArray[np.int64]
    images: Images
    before: NDArray[np.float64]
    after: NDArray[np.float64]


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
        raise UserError(f"layer {layer!r} gives no maps: its outputs are {tuple(reached[0].shape)}")
    return reached[0]


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """The layer of a name, such as `block2` or `block2.first.0`.

    Raises:
        UserError: there is none; the message names those that have channels of pixels.
    """
    layers = dict(model.named_modules())
    if layer not in layers or not layer:
        spatial = [name for name, part in layers.items() if isinstance(part, nn.Conv2d)]
        raise UserError(
            f"layer {layer!r} is not in this network; "
            f"its convolutions are: {', '.join(spatial) or 'none'}"
        )
    found: nn.Module = layers[layer]
    return found


@torch.no_grad()
def layer_outputs(model: nn.Module, layer: str, faces: NDArray[np.uint8]) -> Images:
    """What each filter of a layer makes of faces (N, 48, 48): (N, filters, height, width)."""
    model.eval()
    device = next(model.parameters()).device
    inputs = torch.from_numpy(np.array(faces)).float().unsqueeze(1).to(device)
    result: Images = layer_output(model, layer, inputs).float().cpu().numpy()
    return result


def choose_filters(total: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Some different filters of a layer, at random, in rising order."""
    chosen = np.random.default_rng(seed).choice(total, size=min(wanted, total), replace=False)
    return np.sort(chosen)


def maximise(
    model: nn.Module,
    layer: str,
    filters: Sequence[int] | NDArray[np.integer],
    start: Images,
    *,
    steps: int,
    learning_rate: float,
    smoothness: float,
    seed: int,
) -> Maximised:
    """Change images until they excite a filter each (Erhan et al. 2009).

    Gradient ascent on the mean activation of the filter, with a penalty on differences between
    neighbouring pixels and a random jitter, without which the images are high-frequency noise
    (Olah et al. 2017, Feature Visualization).

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        layer: the name of a layer with outputs (N, channels, height, width).
        filters: numbers of channels, (F,).
        start: what to start from, grey levels (F, 48, 48): noise, or a face again and again.
        steps: how many times each image is changed.
        learning_rate: root mean square change of the grey levels in the first step.
        smoothness: weight of the penalty.
        seed: of the jitter.
    """
    model.eval()
    device = next(model.parameters()).device
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(start.copy()).float().unsqueeze(1).to(device).requires_grad_()
    chosen = torch.as_tensor(np.array(filters), device=device)
    rows = torch.arange(len(chosen), device=device)

    def excitement(inputs: Tensor) -> Tensor:
        outputs = layer_output(model, layer, inputs).float()
        return outputs[rows, chosen].flatten(1).mean(dim=1)

    with torch.no_grad():
        before = excitement(images)
    scale = 1 / (before.abs().mean() + 1e-3)
    for step in range(steps):
        moves = rng.integers(-JITTER, JITTER + 1, size=2)
        moved = torch.roll(images, tuple(int(move) for move in moves), dims=(2, 3))
        loss = smoothness * _roughness(images) - scale * excitement(moved).sum()
        (slope,) = torch.autograd.grad(loss, images)
        size = slope.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-12
        with torch.no_grad():
            # Steps of equal size for each image, however steep its filter is, and shorter in the
            # end, so that the image settles.
            images -= learning_rate * (1 - step / steps) * slope / size
            images.clamp_(0, 255)
    with torch.no_grad():
        after = excitement(images)

    order = torch.argsort(after, descending=True).cpu().numpy()
    return Maximised(
        filters=np.asarray(filters, np.int64)[order],
        images=images.detach().squeeze(1).cpu().numpy()[order],
        before=before.double().cpu().numpy()[order],
        after=after.double().cpu().numpy()[order],
    )


def noise_images(count: int, seed: int) -> Images:
    """Grey noise around the middle to start from, (count, 48, 48)."""
    noise = np.random.default_rng(seed).normal(128, 20, (count, SIDE, SIDE))
    return noise.astype(np.float32)


def _roughness(images: Tensor) -> Tensor:
    """Mean squared difference between neighbours, summed over images, on a scale of 25 levels."""
    down = functional.mse_loss(images[:, :, 1:], images[:, :, :-1], reduction="sum")
    across = functional.mse_loss(images[:, :, :, 1:], images[:, :, :, :-1], reduction="sum")
    return (down + across) / (images[0].numel() * 625)
