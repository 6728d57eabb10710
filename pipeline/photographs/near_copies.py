"""Which faces show one photograph: exact copies and near-copies; and how many there are of these.

A near-copy has another brightness, size or crop, a watermark, or is the mirror image. All pairs are
looked at by their thumbnails, a matrix product in tiles; those that resemble each other then by
the gradients of all their pixels. Gradients, as light and backdrop make strangers look alike;
thumbnails less their surroundings, for the same reason.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.faces.expressions import SIDE
from pipeline.faces.photographs import Photographs
from pipeline.photographs.result import Copies

ALIKE = 0.82
"""Correlation of two thumbnails from which a pair is looked at again."""

SAME = 0.92
"""Correlation of two faces' gradients from which they show one photograph. Of 180 million pairs of
people whom the sample draws three have it; of real photographs some near-copies have less."""

BLUR = 1.0
"""Standard deviation in pixels by which faces are blurred before: another size moves fine edges."""

REACH = 2
"""Pixels by which one of two crops may lie beside the other."""

FLAT = 0.5
"""Share of a picture without any gradient from which it is a drawing, and no photograph: where a
few strokes are all there is, those of one hand look alike."""

_THUMB, _SURROUNDINGS = 12, 5
"""Sides of a thumbnail, and of the square around a pixel of it whose mean is taken off."""

_TILE = 1024, 4096
"""Thumbnails that are multiplied at once: their products stay in a processor's cache."""

_CHUNK = 256
"""Faces, or pairs of them, that are in memory in full."""

Stores = Sequence[NDArray[np.uint8]]
"""Faces (n, 48, 48), which may be memory-mapped, one store behind another."""

Pairs = NDArray[np.int64]
"""Places of two faces each, (M, 2)."""

Sums = NDArray[np.object_]
"""MD5 of each face, by which exact copies are known, (N,)."""


def group_photographs(stores: Stores, md5: Sums) -> NDArray[np.int64]:
    """The photograph of each face, (N,): the place of the first face that shows it.

    Whoever is a near-copy of a near-copy belongs to the same photograph. In memory is about half
    a kilobyte for each distinct face.

    Args:
        stores: the faces; their sizes add up to N.
        md5: of each face, (N,).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    kind, distinct = pd.factorize(md5)
    first = np.flatnonzero(~pd.Series(md5).duplicated())
    near = np.concatenate([np.empty((0, 2), np.int64), *find_near_copies(stores, first)])
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(distinct),) * 2)
    _, photograph = connected_components(graph, directed=False)
    # Components are numbered by chance of the algorithm: the first face names them.
    _, first_kind = np.unique(photograph, return_index=True)
    numbers: NDArray[np.int64] = first[first_kind[photograph[kind]]]
    return numbers


def count_copies(photographs: Photographs, labelled: Sums, unlabelled: Sums) -> Copies:
    """Count near-copies, by the sums of the labelled faces and of the others."""
    table = pd.DataFrame({"photograph": photographs.labelled, "md5": labelled})
    versions = table.groupby("photograph")["md5"].nunique()
    several = versions[versions > 1]
    also_labelled = np.isin(photographs.unlabelled, photographs.labelled)
    return Copies(
        photographs=len(several),
        faces=int(table["photograph"].isin(several.index).sum()),
        near_copies=int((several - 1).sum()),
        shared=int((also_labelled & ~np.isin(unlabelled, labelled)).sum()),
    )


def find_near_copies(stores: Stores, places: NDArray[np.int64]) -> Iterator[Pairs]:
    """Pairs of near-copies among some faces, by their numbers within `places`, some at a time."""
    thumbs = _thumbnails(stores, places)
    flat = thumbs.reshape(len(thumbs), _THUMB**2)
    for mirrored in (False, True):
        others = thumbs[:, :, ::-1] if mirrored else thumbs
        for pairs in _alike(flat, others.reshape(flat.shape)):
            first, second = (take(stores, places[side]) for side in pairs.T)
            same = correlate(first, second[:, :, ::-1] if mirrored else second) > SAME
            yield pairs[same]


def correlate(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlation of the gradients of pairs of faces, at the shift where it is greatest.

    From two times n faces, (n, 48, 48), to (n,), from -1 to 1; 0 where a face has no gradients.
    """
    still, moved = _gradients(first), _gradients(second)
    side = still.shape[-1] - 2 * REACH
    still = still[:, :, REACH:-REACH, REACH:-REACH]
    greatest = np.full(len(first), -1, np.float32)
    for down in range(2 * REACH + 1):
        for right in range(2 * REACH + 1):
            view = moved[:, :, down : down + side, right : right + side]
            norm = np.sqrt(_products(still, still) * _products(view, view))
            greatest = np.maximum(greatest, _products(still, view) / np.maximum(norm, 1e-6))
    return greatest


def take(stores: Stores, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Some faces of stores one behind another, (n, 48, 48)."""
    taken = np.empty((len(places), SIDE, SIDE), np.uint8)
    start = 0
    for store in stores:
        here = (places >= start) & (places < start + len(store))
        taken[here] = store[places[here] - start]
        start += len(store)
    return taken


def _thumbnails(stores: Stores, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Thumbnails (n, 12, 12) less their surroundings; the squares of each add up to 1.

    Those of a drawing are 0, and resemble nothing.
    """
    from scipy.ndimage import uniform_filter

    step = SIDE // _THUMB
    thumbs = np.empty((len(places), _THUMB, _THUMB), np.float32)
    for start in range(0, len(places), _CHUNK):
        faces = take(stores, places[start : start + _CHUNK])
        small = faces.reshape(-1, _THUMB, step, _THUMB, step).mean((2, 4), dtype=np.float32)
        small -= uniform_filter(small, (0, _SURROUNDINGS, _SURROUNDINGS))
        small -= small.mean((1, 2), keepdims=True)
        norm = np.sqrt((small**2).sum((1, 2), keepdims=True))
        drawn = _flat_share(faces) > FLAT
        thumbs[start : start + _CHUNK] = ~drawn[:, None, None] * small / np.maximum(norm, 1e-3)
    return thumbs


def _flat_share(faces: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of the pixels of each face whose neighbours are equal, across and down, (n,)."""
    is_flat = (faces[:, 1:-1, 2:] == faces[:, 1:-1, :-2]) & (
        faces[:, 2:, 1:-1] == faces[:, :-2, 1:-1]
    )
    share: NDArray[np.float64] = is_flat.mean((1, 2))
    return share


def _alike(thumbs: NDArray[np.float32], others: NDArray[np.float32]) -> Iterator[Pairs]:
    """Pairs whose thumbnails, a row each, resemble each other: places in rising order."""
    rows, columns = _TILE
    for top in range(0, len(thumbs), rows):
        for left in range(top, len(thumbs), columns):
            products = thumbs[top : top + rows] @ others[left : left + columns].T
            first, second = np.nonzero(products > ALIKE)
            pairs = np.stack([first + top, second + left], axis=1)
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
            yield from (pairs[k : k + _CHUNK] for k in range(0, len(pairs), _CHUNK))


def _gradients(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Differences of the neighbours of each blurred pixel, right and down: (n, 2, 46, 46)."""
    from scipy.ndimage import gaussian_filter

    grey = gaussian_filter(faces.astype(np.float32), (0, BLUR, BLUR))
    right = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    return np.stack([right, down], axis=1)


def _products(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = np.einsum("ncij,ncij->n", first, second)
    return products
