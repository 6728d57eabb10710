"""Where a classifier looks: how its answer changes with each pixel."""

from typing import Literal

import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel
from captum.attr import Saliency as Gradient
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Maps = NDArray[np.float32]
"""(N, 48, 48): how much each pixel matters; not negative unless it says so."""

Method = Literal["gradient", "loss", "smoothgrad", "integrated"]

BATCH = 32
"""Faces explained at a time: some networks hold 5 MB of maps for each noisy copy of each face."""

MID_GREY = 128


def explain(
    model: nn.Module,
    faces: NDArray[np.uint8],
    targets: NDArray[np.integer],
    *,
    method: Method,
    samples: int = 16,
    noise: float = 0.1,
    steps: int = 24,
    seed: int = 0,
    signed: bool = False,
) -> Maps:
    """Saliency of faces (N, 48, 48) for one class each.

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        faces: grey levels 0..255, the scale that the classifier was trained on.
        targets: the class to explain, (N,).
        method: `gradient` is the derivative of the class's logit by each grey level (Simonyan et
            al. 2013, arXiv:1312.6034), `loss` that of the cross-entropy; `smoothgrad` is the mean
            gradient over noisy copies of the face (Smilkov et al. 2017, arXiv:1706.03825);
            `integrated` adds the gradients up on the way from a mid-grey picture to the face
            (Sundararajan et al. 2017, arXiv:1703.01365). Mid-grey, because what equals the
            baseline never matters: from black, neither pupils nor brows would.
        samples: noisy copies a face.
        noise: their standard deviation as a share of the grey range.
        steps: of the way to the face.
        seed: of the noise.
        signed: keep the direction instead of the size alone.
    """
    model.eval()
    device = next(model.parameters()).device
    maps = []
    # Captum takes no generator: seed the global one, then restore it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(faces), BATCH):
            part = slice(start, start + BATCH)
            inputs = torch.from_numpy(np.array(faces[part])).float().unsqueeze(1).to(device)
            target = torch.from_numpy(np.array(targets[part])).long().to(device)
            found = _attribute(
                model, inputs.requires_grad_(), target, method, samples, noise, steps, signed
            )
            maps.append(found.detach().squeeze(1).float().cpu().numpy())
    result: Maps = np.concatenate(maps) if maps else np.empty((0, 48, 48), np.float32)
    return result if signed else np.abs(result)


def _attribute(
    model: nn.Module, inputs: Tensor, target: Tensor, method: Method,
    samples: int, noise: float, steps: int, signed: bool,
) -> Tensor:  # fmt: skip
    found: Tensor
    if method == "loss":
        loss = functional.cross_entropy(model(inputs), target, reduction="sum")
        (found,) = torch.autograd.grad(loss, inputs)
    elif method == "gradient":
        found = Gradient(model).attribute(inputs, target=target, abs=False)
    elif method == "smoothgrad":
        found = NoiseTunnel(Gradient(model)).attribute(
            inputs, nt_type="smoothgrad", nt_samples=samples, nt_samples_batch_size=4,
            stdevs=255 * noise, target=target, abs=not signed,
        )  # fmt: skip
    else:
        found = IntegratedGradients(model).attribute(
            inputs, baselines=float(MID_GREY), target=target, n_steps=steps,
            internal_batch_size=4 * BATCH,
        )  # fmt: skip
    return found


def keep_brightest(faces: NDArray[np.uint8], maps: Maps, share: float) -> NDArray[np.uint8]:
    """Faces (N, 48, 48) with only this share of their most salient pixels, the rest mid-grey."""
    limit = np.quantile(maps.reshape(len(maps), -1), 1 - share, axis=1)[:, None, None]
    return np.where(maps >= limit, faces, np.uint8(MID_GREY))


def share_inside(maps: Maps, regions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each map's saliency that falls inside its region (N, 48, 48): (N,), 0..1."""
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(regions, maps, 0).sum(axis=(1, 2), dtype=np.float64)
    shares: NDArray[np.float64] = inside / np.maximum(total, np.finfo(np.float64).tiny)
    return shares
