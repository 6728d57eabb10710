"""Do bright pixels of a map matter? If so, deleting them first lowers the probability sooner.

The deletion curve of Petsiuk et al. 2018 (RISE, arXiv:1806.07421), beside deletion at random,
without which a falling curve says nothing: every classifier is lost when enough is deleted.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline.networks.inference import predict_probabilities
from pipeline.saliency.result import Deletion
from pipeline.saliency.saliency import Maps, Method
from pipeline.statistics.intervals import mean_interval

SHARES = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1])
"""Of the pixels, that are deleted: closer together at first, where the curves part."""

Order = NDArray[np.int64]
"""(N, pixels): positions of each face's pixels, the first to be deleted first."""

Curves = NDArray[np.float64]
"""(N, len(SHARES)): probability of one class of each face as more and more is deleted."""


def measure_deletion(
    model: nn.Module,
    faces: NDArray[np.uint8],
    targets: NDArray[np.integer],
    maps: Mapping[Method, Maps],
    *,
    orders: int,
    seed: int,
) -> Deletion:
    """Delete pixels of faces (N, 48, 48) by several maps, and in several random orders of each.

    The probability of a class of each is measured, `targets` (N,). The first of the maps
    (N, 48, 48) is held against orders that know no face.
    """

    def curves_by(order: Order) -> Curves:
        return delete(model, faces, targets, order)

    rng, pixels = np.random.default_rng(seed), np.tile(np.arange(faces[0].size), (len(faces), 1))
    random = np.mean([curves_by(rng.permuted(pixels, axis=1)) for _ in range(orders)], axis=0)
    salient: dict[str, Curves] = {
        name: curves_by(brightest_first(values)) for name, values in maps.items()
    }
    at_random, by_map = area_under(random), area_under(next(iter(salient.values())))
    return Deletion(
        shares=SHARES.tolist(),
        salient={name: curves.mean(axis=0).tolist() for name, curves in salient.items()},
        random=random.mean(axis=0).tolist(),
        area_random=float(at_random.mean()),
        difference={
            name: mean_interval(at_random - area_under(curves)) for name, curves in salient.items()
        },
        opponents={
            name: mean_interval(area_under(curves_by(order)) - by_map)
            for name, order in blind_orders(next(iter(maps.values()))).items()
        },
    )


def blind_orders(maps: Maps) -> dict[str, Order]:
    """Orders of deletion that are the same for all faces, and so know none of them."""
    mean = np.repeat(maps.mean(axis=0, keepdims=True), len(maps), axis=0)
    line = np.arange(maps.shape[1]) - (maps.shape[1] - 1) / 2
    near = -np.hypot(line[:, None], line[None]).astype(np.float32)
    centre = np.repeat(near[None], len(maps), axis=0)
    return {"mean_map": brightest_first(mean), "centre": brightest_first(centre)}


def brightest_first(maps: Maps) -> Order:
    """The pixels of each map from the brightest to the darkest."""
    return np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")


def delete(
    model: nn.Module, faces: NDArray[np.uint8], targets: NDArray[np.integer], order: Order
) -> Curves:
    """Probabilities of a class while a face's pixels give way to its mean grey level.

    To the face's own mean, because black or white holes would be features themselves, and would
    shift the normalisation of the rest.
    """
    flat = faces.reshape(len(faces), -1)
    grey = np.rint(flat.mean(axis=1)).astype(np.uint8)[:, None]
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None], axis=1)
    curves = []
    for share in SHARES:
        left = np.where(rank < round(share * order.shape[1]), grey, flat)
        probabilities = predict_probabilities(model, left.reshape(faces.shape))
        curves.append(probabilities[np.arange(len(faces)), targets])
    return np.stack(curves, axis=1).astype(np.float64)


def area_under(curves: Curves) -> NDArray[np.float64]:
    """Mean probability on the way from nothing to everything deleted, (N,); less is sooner gone."""
    area: NDArray[np.float64] = np.trapezoid(curves, SHARES, axis=1)
    return area
