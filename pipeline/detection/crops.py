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
    rows, columns = (
        np.arange(np.floor(start), np.ceil(start + box.side), dtype=int).clip(0, length - 1)
        for start, length in zip((box.top, box.left), grey.shape, strict=True)
    )
    left, top = box.left - np.floor(box.left), box.top - np.floor(box.top)
    face = Image.fromarray(grey[np.ix_(rows, columns)]).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + box.side, top + box.side)
    )
    return np.asarray(face)
