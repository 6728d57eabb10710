"""A picture as people see it, whatever its file makes of it: upright, opaque, of eight bits."""

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What Pillow may take a picture for, whatever a file is called: none starts another program."""

ENDINGS = (
    ".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm",
    ".ppm", ".pnm",
)  # fmt: skip
"""Of names of pictures that are read, whatever of these is in them."""

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners give, whatever a file makes of them."""

_MOST = {False: 65535, True: 255}
"""The brightest that whole numbers may be, and fractions."""

_TURNED = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Where a picture says which side is up."""

_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the number that it says."""


def upright(opened: ImageFile.ImageFile) -> Image.Image:
    """The first frame of a picture that was opened, in grey or in colours.

    It is turned upright where it says how (EXIF), transparent parts become black, more than 8 bits
    become 8.

    Raises:
        Exception: nearly any, at what is damaged.
    """
    raw_mode = str(opened.tile[0].args) if opened.tile else ""
    opened.load()  # behind its pixels a PNG may say how it is to be turned
    if ";16" in raw_mode and not opened.mode.startswith("I"):
        _check_colours(opened)
    image: Image.Image = opened
    if not _TURNED.isdisjoint(image.info) or image.format == "TIFF":
        # Pillow's exif_transpose would write all of the metadata anew, and fail where it is odd.
        turn = None
        with suppress(SyntaxError, ValueError):  # metadata that are none say nothing
            turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
        image = image if turn is None else image.transpose(turn)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_as_bytes(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return image


def why(error: Exception) -> str:
    """Why a picture cannot be read, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    words = " ".join(str(error).split())
    if not words or "cannot identify" in words:
        return f"no picture of a kind that is read ({', '.join(FORMATS)})"
    return words[:160]


def _as_bytes(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of more than 8 bits by their real range, which a file does not tell.

    Whole numbers lie in the least of 8, 10, 12, 14 or 16 bits that holds the brightest: a picture
    of 8 bits that was saved with 16 is not black. Fractions lie in 0 to 1, or else in 0 to 255.

    Raises:
        ValueError: they lie in none of these.
    """
    least, most = grey.min(), grey.max()
    if not np.isfinite(grey).all() or least < 0 or most > _MOST[grey.dtype.kind == "f"]:
        raise ValueError(
            f"values {least:g} to {most:g}; expected 0 to 1, 0 to 255 or 0 to 65535: rescale it"
        )
    if grey.dtype.kind == "f":
        return np.rint(grey * (255.0 if most <= 1 else 1.0)).astype(np.uint8)
    bits = next(bits for bits in _DEPTHS if most < 1 << bits)
    return (grey.astype(np.int64) >> (bits - 8)).astype(np.uint8)


def _check_colours(image: Image.Image) -> None:
    """See that a picture of 16 bits a colour uses them: Pillow keeps the upper eight alone.

    Raises:
        ValueError: it holds fewer bits than it says.
    """
    bands = image.convert("RGBA").split()[:3]
    brightest = max(int(np.asarray(band).max()) for band in bands)
    if brightest < 1 << 6:
        raise ValueError(
            f"16 bits a colour, of which only the lowest are used (brightest {brightest} of 255); "
            "save it with 8 bits"
        )
