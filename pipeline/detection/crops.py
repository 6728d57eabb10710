"""A face cut out of a picture as the networks know faces: square, grey, 48 by 48."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.detection.detector import Box
from pipeline.faces.expressions import SIDE


def crop_faces(grey: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """Cut faces out of a picture (height, width): grey levels, (boxes, 48, 48).

    What of a box lies beyond the picture's edge repeats it.
    """
    return np.array([_crop(grey, box) for box in boxes], np.uint8).reshape(-1, SIDE, SIDE)


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
