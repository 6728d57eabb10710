"""What a store's outline says about its faces: classes, exact copies, images of one grey value."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.faces.store import Outline, digest


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
    order = np.argsort(outline.digests, kind="stable")
    digests, labels = outline.digests[order], outline.labels[order]
    is_first = np.append(True, digests[1:] != digests[:-1])[: len(digests)]
    firsts = np.flatnonzero(is_first)
    sizes = np.diff(firsts, append=len(digests))
    least, most = np.minimum.reduceat(labels, firsts), np.maximum.reduceat(labels, firsts)
    return Quality(
        faces=len(outline),
        classes={name: int((labels == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        groups=int((sizes > 1).sum()),
        copies=len(outline) - len(firsts),
        disagreeing=int((least != most).sum()),
        constant=_count_among(digests, _constant_digests()),
    )


def count_shared(faces: Outline, others: Outline) -> int:
    """Count the faces of the first outline whose very pixels also stand in the second."""
    return _count_among(np.sort(faces.digests), others.digests)


def _count_among(digests: NDArray[np.bytes_], known: NDArray[np.bytes_]) -> int:
    """How many of the digests, sorted, are among the known ones."""
    known = np.unique(known)
    ends = np.searchsorted(digests, known, "right")
    return int((ends - np.searchsorted(digests, known, "left")).sum())


def _constant_digests() -> NDArray[np.bytes_]:
    """Those of all 256 such images: no pixel has to be looked at again."""
    greys = (np.full((SIDE, SIDE), grey, np.uint8) for grey in range(256))
    return np.array([digest(face) for face in greys], "S16")
