"""Gradient ascent: an image is changed step by step to raise an objective."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipeline.faces.expressions import SIDE
from pipeline.params import Ascent

Images = NDArray[np.float32]
"""Grey levels 0..255, (N, 48, 48)."""

JITTER = 2
"""Pixels by which the image is moved about while it is changed: what survives is robust."""


@dataclass(frozen=True)
class Climbed:
    """Images, grey levels 0..255, and the objective (N,) before the ascent and after it."""

    images: Images
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def ascend(
    objective: Callable[[Tensor], Tensor],
    start: Images,
    settings: Ascent,
    device: torch.device | str = "cpu",
) -> Climbed:
    """Gradient ascent on grey levels (Erhan et al. 2009).

    With a penalty on differences between neighbouring pixels and a random jitter, without which
    the images are high-frequency noise (Olah et al. 2017, Feature Visualization).

    The objective, differentiable, gives a number for each of some images (N, 1, 48, 48) on the
    device. `start` is noise, or a face again and again.
    """
    rng = np.random.default_rng(settings.seed)
    images = torch.from_numpy(start.copy()).float().unsqueeze(1).to(device).requires_grad_()
    with torch.no_grad():
        before = objective(images)
    scale = 1 / (before.abs().mean() + 1e-3)
    for step in range(settings.steps):
        moves = rng.integers(-JITTER, JITTER + 1, size=2)
        moved = torch.roll(images, tuple(int(move) for move in moves), dims=(2, 3))
        loss = settings.smoothness * _roughness(images) - scale * objective(moved).sum()
        (slope,) = torch.autograd.grad(loss, images)
        size = slope.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-12
        with torch.no_grad():
            # Steps of equal size for each image, however steep its objective is, and shorter in
            # the end, so that the image settles.
            images -= settings.learning_rate * (1 - step / settings.steps) * slope / size
            images.clamp_(0, 255)
    with torch.no_grad():
        after = objective(images)
    return Climbed(
        images=images.detach().squeeze(1).cpu().numpy(),
        before=before.double().cpu().numpy(),
        after=after.double().cpu().numpy(),
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
