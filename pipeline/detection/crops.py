"""A face cut out of a picture as the networks know faces: square, grey, 48 by 48."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.detection.detector import Box
from pipeline.faces.expressions import SIDE


class View(NamedTuple):
    """A crop beside the detector's: its centre moved by shares of the side, its side scaled."""

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0


ONE_VIEW = (View(),)


def crop_faces(
    grey: NDArray[np.uint8], boxes: Sequence[Box], views: Sequence[View] = ONE_VIEW
) -> NDArray[np.uint8]:
    """Cut faces out of a picture (height, width).

    Args:
        grey: grey levels.
        boxes: where the faces are; what lies beyond the edge repeats it.
        views: how each is cut.

    Returns:
        Grey levels, (boxes, views, 48, 48).
    """
    cut = [[_crop(grey, _look(box, view)) for view in views] for box in boxes]
    return np.array(cut, np.uint8).reshape(len(boxes), len(views), SIDE, SIDE)


def _look(box: Box, view: View) -> Box:
    side = box.side * view.scale
    inward = (box.side - side) / 2
    return Box(
        box.left + inward + view.right * box.side, box.top + inward + view.down * box.side, side
    )


def _crop(grey: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    right, bottom = box.left + box.side, box.top + box.side
    height, width = grey.shape
    around = (max(0, int(np.floor(box.top))), max(0, int(np.floor(box.left))))
    part = grey[around[0] : int(np.ceil(bottom)), around[1] : int(np.ceil(right))]
    before = (max(0, -int(np.floor(box.top))), max(0, -int(np.floor(box.left))))
    after = (max(0, int(np.ceil(bottom)) - height), max(0, int(np.ceil(right)) - width))
    part = np.pad(part, list(zip(before, after, strict=True)), mode="edge")
    top, left = box.top - np.floor(box.top), box.left - np.floor(box.left)
    face = Image.fromarray(part).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + box.side, top + box.side)
    )
    return np.asarray(face)
