"""Accuracy by how bright, contrasty and sharp a face is: are poor photographs recognised less well?

Thirds are those of the training faces, so that no test face decides into which it falls.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.result import Quality, Third
from pipeline.statistics.intervals import share_difference, share_of
from pipeline.statistics.scores import Labels

CHUNK = 64
"""Faces that are measured at once: as many as a processor's cache holds."""

Values = NDArray[np.float64]
"""(N,), one for each face."""


def measure(faces: NDArray[np.float32]) -> dict[str, Values]:
    """Mean and standard deviation of the grey levels of faces (N, 48, 48), and their sharpness.

    That is the variance of the Laplacian, in squared grey levels (Pech-Pacheco et al. 2000): high
    where edges are sharp, and where there is noise or much contrast.
    """
    inside = faces[:, 1:-1, 1:-1]
    around = faces[:, :-2, 1:-1] + faces[:, 2:, 1:-1] + faces[:, 1:-1, :-2] + faces[:, 1:-1, 2:]
    return {
        "brightness": faces.mean(axis=(1, 2), dtype=np.float64),
        "contrast": faces.std(axis=(1, 2)).astype(np.float64),
        "sharpness": (around - 4 * inside).var(axis=(1, 2)).astype(np.float64),
    }


def measure_faces(pixels: NDArray[np.uint8]) -> dict[str, Values]:
    """Each measure of each face, from grey levels (N, 48, 48), which may be memory-mapped."""
    chunks = [
        measure(pixels[start : start + CHUNK].astype(np.float32))
        for start in range(0, len(pixels), CHUNK)
    ]
    return {name: np.concatenate([each[name] for each in chunks]) for name in chunks[0]}


def compare_by_quality(
    pixels: NDArray[np.uint8],
    parts: NDArray[np.str_],
    labels: Labels,
    right: Mapping[str, NDArray[np.bool_]],
) -> dict[str, Quality]:
    """Accuracy on test faces in the thirds of each measure, from all labelled faces (N, 48, 48).

    The part of each is in `parts` (N,); `labels` and `right`, whether a model names them, are of
    the test faces (n,).
    """
    return {
        name: compare_thirds(values[parts == "train"], values[parts == "test"], labels, right)
        for name, values in measure_faces(pixels).items()
    }


def compare_thirds(
    train: Values, test: Values, labels: Labels, right: Mapping[str, NDArray[np.bool_]]
) -> Quality:
    """Accuracy in the thirds of one measure, whose edges are those of the training faces.

    `test`, `labels` and `right`, whether a model names them, are of the test faces, (N,).
    """
    edges = np.quantile(train, [1 / 3, 2 / 3])
    third = np.searchsorted(edges, test, side="right")
    return Quality(
        edges=(float(edges[0]), float(edges[1])),
        thirds={
            model: [_third(third == number, labels, named) for number in range(3)]
            for model, named in right.items()
        },
        difference={
            model: share_difference(named[third == 2], named[third == 0])
            for model, named in right.items()
        },
    )


def _third(inside: NDArray[np.bool_], labels: Labels, right: NDArray[np.bool_]) -> Third:
    if not inside.any():
        return Third(faces=0)
    faces = np.bincount(labels)
    recall = np.bincount(labels, weights=right) / np.maximum(faces, 1)
    return Third(
        faces=int(inside.sum()),
        accuracy=share_of(right[inside]),
        expected=float(recall[labels[inside]].mean()),
    )
