"""A handful of faces on their way from a source to the store, with what was wrong beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int], object]
"""Told of each piece of the source that was read: bytes as they lie on disk, or pictures."""

UNLABELLED = -1
"""The label of a face whose expression is not known."""

USAGES = ("Training", "PublicTest", "PrivateTest")
"""FER2013's own names for its three parts."""


class Fault(NamedTuple):
    """A row of a source that is not a face."""

    file: str
    row: int
    """1 is the first row after the header, or the first image."""
    reason: str
    content: str = ""
    """The row as it was found, or the image's path; empty where nobody wants it kept."""

    def __str__(self) -> str:
        return f"{self.file}: row {self.row}: {self.reason}"


@dataclass(frozen=True)
class Batch:
    """Faces that follow one another in a source.

    Every field has one entry a face, but for the last two.
    """

    pixels: NDArray[np.uint8]
    """Shape (faces, 48, 48), 0 is black."""
    labels: NDArray[np.int8]
    usage: Sequence[str | None]
    rows: NDArray[np.int64]
    """Place of each face in its source, from 1; a place that is a fault is missing here."""
    ids: NDArray[np.int64]
    names: Sequence[str | None]
    faults: Sequence[Fault] = field(default=())
    left_out: int = 0
    """Rows among these that are faces of a class that is left out on purpose."""

    def __len__(self) -> int:
        return len(self.pixels)


def shown(text: bytes, length: int = 24) -> str:
    """What was found, short enough for one line: undecodable bytes as escapes, the rest cut off.

    >>> shown(b"12 13 14 15 16 17 18 19 20 21 22")
    "'12 13 14 15 16 17 18 19 ...'"
    """
    cut = text if len(text) <= length else text[:length] + b"..."
    return repr(cut.decode("utf-8", errors="backslashreplace"))
