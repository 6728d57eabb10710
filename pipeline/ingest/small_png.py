"""PNGs that are faces already, 48 by 48 and grey, decoded many at once.

Most of the time that a library spends on so small a picture is its own, not the picture's. So the
filtered rows of many of them are put below one another, as the rows of one tall PNG, with a black
row above each: the row that a picture's first one is predicted from. What is in any way unusual is
left to the library.
"""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray
from PIL import Image

from pipeline.faces.expressions import SIDE

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def _header(height: int) -> bytes:
    """A PNG's begin: so many rows of 48 grey values, 8 bits each."""
    return _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, height, 8, 0, 0, 0, 0))


_HEADER = _header(SIDE)
_END = _chunk(b"IEND", b"")
_ROW = SIDE + 1
"""Bytes of a row: how it was filtered, and what that left."""

_FILTERS = bytes(range(5))


def filtered_rows(content: bytes) -> bytes | None:
    """The rows of such a picture, as they are filtered; None if it is not just that."""
    if not content.startswith(_HEADER) or not content.endswith(_END):
        return None
    begin, end = len(_HEADER) + 8, len(content) - len(_END) - 4
    data = content[begin:end]
    if content[begin - 8 : begin] != struct.pack(">I4s", len(data), b"IDAT"):
        return None
    if content[end : end + 4] != struct.pack(">I", zlib.crc32(data, zlib.crc32(b"IDAT"))):
        return None
    try:
        rows: bytes = isal_zlib.decompress(data)
    except igzip_lib.IsalError:  # type: ignore[misc]  # its stub says too little
        return None
    fits = len(rows) == SIDE * _ROW and not rows[::_ROW].strip(_FILTERS)
    return rows if fits else None


def decode(pictures: Sequence[bytes]) -> NDArray[np.uint8]:
    """The faces of many such pictures, (n, 48, 48).

    Args:
        pictures: what `filtered_rows` gave for each.
    """
    if not pictures:
        return np.empty((0, SIDE, SIDE), np.uint8)
    black = bytes(_ROW)
    rows = zlib.compress(black + black.join(pictures), 0)
    tall = _header(len(pictures) * (SIDE + 1)) + _chunk(b"IDAT", rows) + _END
    with Image.open(io.BytesIO(tall), formats=["PNG"]) as image:
        return np.asarray(image).reshape(-1, SIDE + 1, SIDE)[:, 1:]
