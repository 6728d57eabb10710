"""What the maps of one model are worth, in numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.explaining.subject import Subject
from pipeline.networks.classifier import Classifier
from pipeline.saliency.deletion import SHARES, area_under, measure_deletion
from pipeline.saliency.params import Saliency as SaliencyParams
from pipeline.saliency.randomisation import measure_randomisation, unlearned
from pipeline.saliency.result import Deleted, Randomised
from pipeline.saliency.saliency import Maps, Method, explain, share_inside
from pipeline.statistics.intervals import Interval, mean_interval

METHODS: dict[Method, str] = {
    "smoothgrad": "SmoothGrad",
    "gradient": "gradient",
    "loss": "loss",
    "integrated": "integrated",
}
"""The first is the one that single maps are drawn with."""


def make_maps(
    subject: Subject, chosen: NDArray[np.int64], method: Method, network: Classifier | None = None
) -> Maps:
    """Maps of some test faces: for the model's answer, or, by the loss, for the true class.

    Args:
        subject: the model.
        chosen: which faces.
        method: of the maps.
        network: to explain the same classes by another one.
    """
    settings, labels = subject.params.section(SaliencyParams), subject.faces.labels[chosen]
    targets = labels if method == "loss" else subject.predict(chosen).argmax(axis=1)
    return explain(
        network or subject.model, subject.faces.pixels[chosen], targets, method=method,
        samples=settings.samples, noise=settings.noise, steps=settings.steps, seed=settings.seed,
    )  # fmt: skip


def delete(subject: Subject, chosen: NDArray[np.int64], maps: Mapping[Method, Maps]) -> Deleted:
    """Deletion by each kind of map against deletion at random, over some test faces."""
    settings = subject.params.section(SaliencyParams)
    found = measure_deletion(
        subject.model, subject.faces.pixels[chosen], subject.predict(chosen).argmax(axis=1),
        {str(method): values for method, values in maps.items()},
        orders=settings.random, seed=settings.seed,
    )  # fmt: skip
    at_random = area_under(found.random)
    return Deleted(
        shares=SHARES.tolist(),
        salient={name: values.mean(axis=0).tolist() for name, values in found.salient.items()},
        random=found.random.mean(axis=0).tolist(),
        area_random=float(at_random.mean()),
        difference={
            name: _interval(subject, at_random - area_under(values))
            for name, values in found.salient.items()
        },
    )


def randomise(subject: Subject, chosen: NDArray[np.int64]) -> Randomised:
    """How alike SmoothGrad maps stay while the network forgets what it learned, layer by layer."""
    found = measure_randomisation(
        subject.model,
        lambda network: make_maps(subject, chosen, "smoothgrad", network),
        seed=subject.params.section(SaliencyParams).seed,
    )
    return Randomised(
        faces=len(chosen),
        spearman={layer: float(values.mean()) for layer, values in found.items()},
        all=_interval(subject, [*found.values()][-1]),
    )


def on_features(
    subject: Subject, chosen: NDArray[np.int64], maps: Maps, inside: NDArray[np.bool_]
) -> dict[str, Any]:
    """How much saliency falls on brows, eyes and mouth, against two kinds of chance.

    One is the area that they cover. But convolutions that have learned nothing respond to edges and
    less to the border: their maps are the other.

    Args:
        subject: the model.
        chosen: the faces.
        maps: of these by SmoothGrad, (N, 48, 48).
        inside: which of their pixels belong to a feature, (N, 48, 48).

    Returns:
        The fields of `Saliency` that rest on features.
    """
    fresh = unlearned(subject.model, subject.params.section(SaliencyParams).seed)
    shares, area = share_inside(maps, inside), inside.mean(axis=(1, 2))
    without = share_inside(make_maps(subject, chosen, "smoothgrad", fresh), inside)
    return {
        "share_on_features": float(shares.mean()),
        "area_of_features": float(area.mean()),
        "share_untrained": float(without.mean()),
        "lift": _interval(subject, shares / area),
        "learned": _interval(subject, shares - without),
    }


def _interval(subject: Subject, values: NDArray[np.floating]) -> Interval:
    evaluate = subject.params.evaluate
    return mean_interval(values, resamples=evaluate.resamples, seed=evaluate.seed)
