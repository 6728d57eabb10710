"""Where the faces are in a picture: one of OpenCV's Haar cascades.

FER2013's faces are the boxes of such a cascade, so a network sees here what it was trained on.
benchmarks/detectors.py compares it with others.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

LONGEST = 800
"""Pixels of the longer side at which faces are looked for; larger pictures are made smaller."""

SMALLEST = 32
"""Side of the smallest face, in pixels of the picture that is searched."""


class Box(NamedTuple):
    """A square around a face, in pixels of the picture; may reach over its edge."""

    left: float
    top: float
    side: float


CASCADE = "haarcascade_frontalface_alt2.xml"

NEIGHBOURS = (5, 3)
"""So many boxes nearly in one place count as a face; the second where the first finds none."""


def find_faces(grey: NDArray[np.uint8]) -> list[Box]:
    """The faces of a picture (height, width), the largest first."""
    shrink = min(1.0, LONGEST / max(grey.shape))
    height, width = (max(1, round(shrink * side)) for side in grey.shape)
    searched = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    for neighbours in NEIGHBOURS:
        found = _load().detectMultiScale(
            searched, scaleFactor=1.1, minNeighbors=neighbours, minSize=(SMALLEST, SMALLEST)
        )
        if len(found):
            boxes = [Box(*(float(value) / shrink for value in row[:3])) for row in found]
            return sorted(boxes, key=lambda box: (-box.side, box.top, box.left))
    return []


@cache
def _load() -> Any:
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))
