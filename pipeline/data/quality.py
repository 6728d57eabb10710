"""What a store's outline says about its faces: classes, exact copies, images of one grey value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.expressions import EXPRESSIONS, SIDE
from pipeline.data.store import Outline, digest


@dataclass(frozen=True)
class Quality:
    """Counts over one store."""

    faces: int
    classes: dict[str, int]
    """Faces of each expression, in the order of the labels; faces without a label count nowhere."""
    groups: int
    """Sets of two or more faces whose pixels are all the same."""
    copies: int
    """Faces beyond the first of each such set."""
    disagreeing: int
    """Such sets that hold more than one label."""
    constant: int
    """Faces that are one grey value all over; copies of one another count each."""


def assess(outline: Outline) -> Quality:
    """Count what there is in a store."""
    labels = outline.labels
    _, group, sizes = np.unique(outline.sums, return_inverse=True, return_counts=True)
    # Each label once for every set of copies that has it; -1 is a label here.
    pairs = np.unique(group * (len(EXPRESSIONS) + 1) + labels + 1)
    labels_of_group = np.bincount(pairs // (len(EXPRESSIONS) + 1))
    return Quality(
        faces=len(outline),
        classes={name: int((labels == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        groups=int((sizes > 1).sum()),
        copies=len(outline) - len(sizes),
        disagreeing=int((labels_of_group > 1).sum()),
        constant=int(np.isin(outline.sums, _constant_digests()).sum()),
    )


def count_shared(faces: Outline, others: Outline) -> int:
    """Count the faces of the first outline whose very pixels also stand in the second."""
    return int(np.isin(faces.sums, others.sums).sum())


def _constant_digests() -> NDArray[np.bytes_]:
    """The sums of all 256 such images: no pixel has to be looked at again."""
    greys = (np.full((SIDE, SIDE), grey, np.uint8) for grey in range(256))
    return np.array([digest(face) for face in greys], "S16")
