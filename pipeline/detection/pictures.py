"""Any user's picture as upright colours."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import UserError
from pipeline.image_decoding import ENDINGS, FORMATS, upright, why

Picture = NDArray[np.uint8]
"""Colours of a picture, (height, width, 3), 0..255."""

SUFFIXES = (*ENDINGS, ".heic", ".heif", ".avif")
"""Names of files that are taken for pictures in a folder; of the last, people are told why not."""

MOST_PIXELS = 89_478_485
"""Pillow's own limit, of which a picture takes 270 MB: more is refused before it is decoded."""

_MOST = f"at most {MOST_PIXELS / 1e6:.0f} million are read: make it smaller"

SMALLEST = 24
"""Pixels a side below which there is no face to be seen."""


def read_picture(source: Path | bytes, name: str | None = None) -> Picture:
    """Read a picture: its first frame, turned upright where it says how (EXIF), without alpha.

    Transparent parts become black, more than 8 bits become 8. Boxes of faces are of the upright
    picture. Messages call it by its name, or by the path of its file.

    Raises:
        UserError: it is no picture, is damaged, too small or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; the size is looked at below
            opened = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(opened, formats=FORMATS) as image:
                _check_size(image, name)
                return np.array(upright(image).convert("RGB"))
    except UserError:
        raise
    except Image.DecompressionBombError:  # twice as many: Pillow does not even open it
        raise UserError(f"{name}: too many pixels; {_MOST}") from None
    # Pillow's plug-ins raise nearly anything at a damaged file.
    except Exception as error:
        raise UserError(f"{name}: cannot be read: {why(error)}") from None


def to_grey(picture: Picture) -> NDArray[np.uint8]:
    """Its brightness (ITU-R 601), (height, width), as faces from files are made grey, too."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UserError(f"{name}: {width} x {height} pixels; {_MOST}")
    if min(width, height) < SMALLEST:
        raise UserError(
            f"{name}: {width} x {height} pixels; a side has at least {SMALLEST}: take a larger one"
        )
