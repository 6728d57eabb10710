"""Where a classifier looks: how its score of a class changes with each pixel."""

from typing import Literal

import numpy as np
import torch
from captum.attr import NoiseTunnel, Saliency
from numpy.typing import NDArray
from torch import nn

Maps = NDArray[np.float32]
"""(N, 48, 48), not negative: how much each pixel matters."""


def explain(
    model: nn.Module,
    faces: NDArray[np.uint8],
    targets: NDArray[np.integer],
    *,
    method: Literal["gradient", "smoothgrad"],
    samples: int = 24,
    noise: float = 0.1,
    seed: int = 0,
) -> Maps:
    """Saliency of faces (N, 48, 48) for the logit of one class each.

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        faces: grey levels 0..255, the scale that the classifier was trained on.
        targets: the class to explain, (N,).
        method: `gradient` is the size of the logit's derivative by each grey level (Simonyan et
            al. 2013, arXiv:1312.6034); `smoothgrad` its mean over noisy copies of the face
            (Smilkov et al. 2017, arXiv:1706.03825).
        samples: noisy copies a face.
        noise: their standard deviation as a share of the grey range.
        seed: of the noise.
    """
    model.eval()
    device = next(model.parameters()).device
    inputs = torch.from_numpy(np.array(faces)).float().unsqueeze(1).to(device).requires_grad_()
    target = torch.from_numpy(np.array(targets)).long().to(device)
    gradient = Saliency(model)
    if method == "gradient":
        maps = gradient.attribute(inputs, target=target, abs=True)
    else:
        # A generator of its own cannot be passed to captum: seed the global one, then restore it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            maps = NoiseTunnel(gradient).attribute(
                inputs, nt_type="smoothgrad", nt_samples=samples, nt_samples_batch_size=4,
                stdevs=255 * noise, target=target, abs=True,
            )  # fmt: skip
    result: Maps = maps.detach().squeeze(1).cpu().numpy()
    return result


def keep_brightest(faces: NDArray[np.uint8], maps: Maps, share: float) -> NDArray[np.uint8]:
    """Faces (N, 48, 48) with only this share of their most salient pixels, the rest mid-grey."""
    limit = np.quantile(maps.reshape(len(maps), -1), 1 - share, axis=1)[:, None, None]
    return np.where(maps >= limit, faces, np.uint8(128))


def share_inside(maps: Maps, regions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each map's saliency that falls inside its region (N, 48, 48): (N,), 0..1."""
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(regions, maps, 0).sum(axis=(1, 2), dtype=np.float64)
    shares: NDArray[np.float64] = inside / np.maximum(total, np.finfo(np.float64).tiny)
    return shares
