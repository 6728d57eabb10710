"""Where a classifier looks: how its answer changes with each pixel."""

from typing import Literal

import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel
from captum.attr import Saliency as Gradient
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipeline.explaining.subject import Subject
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import inputs_of
from pipeline.saliency.params import Saliency

Maps = NDArray[np.float32]
"""(N, 48, 48): how much each pixel matters; not negative unless it says so."""

Method = Literal["gradient", "loss", "smoothgrad", "integrated"]

METHODS: dict[Method, str] = {
    "smoothgrad": "SmoothGrad",
    "gradient": "gradient",
    "loss": "loss",
    "integrated": "integrated",
}
"""Their names on figures; where there is room for one map alone, it is by the first."""

BATCH = 32
"""Faces explained at a time: some networks hold 5 MB of maps for each noisy copy of each face."""

MID_GREY = 128


def maps_of(
    subject: Subject, chosen: NDArray[np.int64], method: Method, network: Classifier | None = None
) -> Maps:
    """Maps of some test faces: of the model's answer, or, by the loss, of the true class.

    With `network`, the same classes are explained by that one.
    """
    settings, labels = subject.params.section(Saliency), subject.faces.labels[chosen]
    targets = labels if method == "loss" else subject.predict(chosen).argmax(axis=1)
    pixels = subject.faces.pixels[chosen]
    maps: Maps = np.abs(make_maps(network or subject.model, pixels, targets, method, settings))
    return maps


def make_maps(
    model: Classifier,
    faces: NDArray[np.uint8],
    targets: NDArray[np.integer],
    method: Method,
    settings: Saliency,
) -> Maps:
    """Saliency of faces (N, 48, 48), at least one, for one class each, with its sign.

    Args:
        model: a classifier of grey levels; put into evaluation mode.
        faces: grey levels 0..255, the scale that the classifier was trained on.
        targets: the class to explain, (N,).
        method: `gradient` is the derivative of the class's logit by each grey level (Simonyan et
            al. 2013, arXiv:1312.6034), `loss` that of the cross-entropy; `smoothgrad` is the mean
            gradient over noisy copies of the face (Smilkov et al. 2017, arXiv:1706.03825), of
            which the size is taken last: directions that noise turns around cancel out;
            `integrated` adds the gradients up on the way from a mid-grey picture to the face
            (Sundararajan et al. 2017, arXiv:1703.01365), behind the normalisation. Mid-grey,
            because what equals the baseline never matters: from black, neither pupils nor brows
            would.
        settings: noisy copies of a face and their noise, steps of the way to the face.
    """
    model.eval()
    maps = []
    # Captum takes no generator: seed the global one, then restore it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        for start in range(0, len(faces), BATCH):
            part = slice(start, start + BATCH)
            inputs = inputs_of(model, faces[part]).requires_grad_()
            target = torch.from_numpy(np.array(targets[part])).long().to(inputs.device)
            found = _attribute(model, inputs, target, method, settings)
            maps.append(found.detach().squeeze(1).float().cpu().numpy())
    return np.concatenate(maps)


def _attribute(
    model: Classifier, inputs: Tensor, target: Tensor, method: Method, settings: Saliency
) -> Tensor:
    found: Tensor
    if method == "loss":
        loss = functional.cross_entropy(model(inputs), target, reduction="sum")
        (found,) = torch.autograd.grad(loss, inputs)
    elif method == "gradient":
        found = Gradient(model).attribute(inputs, target=target, abs=False)
    elif method == "smoothgrad":
        found = NoiseTunnel(Gradient(model)).attribute(
            inputs, nt_type="smoothgrad", nt_samples=settings.samples, nt_samples_batch_size=4,
            # Not the size of each gradient: the mean of sizes is no SmoothGrad.
            stdevs=255 * settings.noise, target=target, abs=False,
        )  # fmt: skip
    else:
        # Behind the normalisation: that of each face undoes any change of its contrast, and so all
        # of the way from a grey picture to the face but its very beginning.
        faces, grey = (
            model.normalise(each).detach() for each in (inputs, torch.full_like(inputs, MID_GREY))
        )
        found = IntegratedGradients(model.network).attribute(
            faces, baselines=grey, target=target, n_steps=settings.steps,
            internal_batch_size=4 * BATCH,
        )  # fmt: skip
    return found


@torch.no_grad()
def completeness_error(
    model: Classifier, faces: NDArray[np.uint8], targets: NDArray[np.integer], maps: Maps
) -> float:
    """How far integrated gradients are from adding up to the change of the score, as they must.

    The mean absolute error of maps (N, 48, 48), with their signs, of faces and the class to explain
    of each (N,), as a share of the mean absolute change.
    """
    inputs = inputs_of(model, faces)
    scores, grey = model(inputs), model(torch.full_like(inputs[:1], MID_GREY))
    rows = torch.arange(len(faces))
    change = (scores - grey)[rows, torch.from_numpy(np.array(targets)).long()].cpu().numpy()
    error = np.abs(maps.sum(axis=(1, 2)) - change).mean()
    # A network that gives one answer to all has no change, and no error in it.
    return float(error / max(float(np.abs(change).mean()), np.finfo(np.float64).tiny))


def keep_brightest(faces: NDArray[np.uint8], maps: Maps, share: float) -> NDArray[np.uint8]:
    """Faces (N, 48, 48) with only this share of their most salient pixels, the rest mid-grey."""
    limit = np.quantile(maps.reshape(len(maps), -1), 1 - share, axis=1)[:, None, None]
    return np.where(maps >= limit, faces, np.uint8(MID_GREY))
