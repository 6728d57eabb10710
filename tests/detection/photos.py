"""Pictures for tests: a real face under a free licence (scikit-image ships it), and none."""

from pathlib import Path

import numpy as np
import skimage
from PIL import Image

_DATA = Path(skimage.__file__).parent / "data"

PHOTO = _DATA / "astronaut.png"
"""Eileen Collins, by NASA; 512 by 512. Her face is about 97 pixels wide, its centre as below."""

CENTRE = (224, 114)


def photo(side=256):
    """The photo, smaller, as a picture of Pillow's."""
    return Image.open(PHOTO).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def nobody(height=120, width=160):
    """A picture without a face: a slope of grey levels, (height, width, 3)."""
    slope = np.linspace(0, 255, width, dtype=np.uint8)
    return np.repeat(np.tile(slope, (height, 1))[..., None], 3, axis=-1)
