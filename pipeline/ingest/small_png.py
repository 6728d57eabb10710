"""PNGs that are faces already, 48 by 48 and grey, decoded many at once.

Most of the time that a library spends on so small a picture is its own, not the picture's: here
some hundreds share each step. What is in any way unusual is left to the library.
"""

import struct
from collections.abc import Sequence

import cv2
import numpy as np
from isal import igzip_lib, isal_zlib

from pipeline.faces.expressions import PIXELS, SIDE
from pipeline.ingest.pixels import Grey

_HEADER = struct.pack(">8sI4sIIBBBBB", b"\x89PNG\r\n\x1a\n", 13, b"IHDR", SIDE, SIDE, 8, 0, 0, 0, 0)
_HEADER += struct.pack(">I", isal_zlib.crc32(_HEADER[12:]))
_END = struct.pack(">I4sI", 0, b"IEND", isal_zlib.crc32(b"IEND"))
_LONGEST = 1 << 12
"""Bytes of such a file, at most, even where it could not be packed."""

_ROW = SIDE + 1
"""Bytes of a row: how it was filtered, and what that left."""

_FILTERS = bytes(range(5))
"""None, by the neighbour left, above, by the mean of both, by the nearest of three (Paeth's)."""


def filtered_rows(content: bytes) -> bytes | None:
    """The rows of such a picture, as they are filtered; None if it is not just that."""
    begin, end = len(_HEADER), len(content) - len(_END) - 4
    if content[:begin] != _HEADER or content[end + 4 :] != _END or end > _LONGEST:
        return None
    length, kind = content[begin : begin + 4], content[begin + 4 : begin + 8]
    if kind != b"IDAT" or int.from_bytes(length, "big") != end - begin - 8:
        return None
    if int.from_bytes(content[end : end + 4], "big") != isal_zlib.crc32(content[begin + 4 : end]):
        return None
    try:
        rows: bytes = isal_zlib.decompress(content[begin + 8 : end])
    except igzip_lib.IsalError:  # type: ignore[misc]  # its stub says too little
        return None
    fits = len(rows) == SIDE * _ROW and not rows[::_ROW].strip(_FILTERS)
    return rows if fits else None


def decode(pictures: Sequence[bytes]) -> Grey:
    """The faces of many such pictures, (n, 48, 48).

    Each grey value was filtered by those left of it, above, and left above. So all the values of a
    diagonal, from the left up to the right, of all the pictures are found in one step.

    Args:
        pictures: what `filtered_rows` gave for each.
    """
    if not pictures:
        return np.empty((0, SIDE, SIDE), np.uint8)
    rows = _turned(np.frombuffer(b"".join(pictures), np.uint8).reshape(len(pictures), -1))
    filters = rows[::_ROW]
    # Of each row of each picture, (48, n): 255 where it was filtered by that, else 0.
    by_left, by_above, by_mean, by_paeth = (
        -(filters == kind).view(np.uint8) for kind in _FILTERS[1:]
    )
    sees_left, sees_above, has_mean = by_left | by_paeth, by_above | by_paeth, by_mean.any()
    faces = np.empty((PIXELS, len(pictures)), np.uint8)
    # A diagonal's values by their rows, and a black one on top; and of the two before it.
    new, old, older = np.zeros((3, SIDE + 1, len(pictures)), np.uint8)
    for diagonal in range(2 * SIDE - 1):
        first, last = max(0, diagonal - SIDE + 1), min(diagonal, SIDE - 1)
        here, above = slice(first + 1, last + 2), slice(first, last + 1)
        left, up, corner = old[here], old[above], older[above]
        values = _paeth(left & sees_left[above], up & sees_above[above], corner & by_paeth[above])
        if has_mean:
            values |= ((left & up) + ((left ^ up) >> 1)) & by_mean[above]
        kept = rows[diagonal + 1 + first * SIDE : diagonal + 2 + last * SIDE : SIDE]
        values = np.add(values, kept, out=new[here])
        faces[diagonal + first * (SIDE - 1) : diagonal + 1 + last * (SIDE - 1) : SIDE - 1] = values
        new, old, older = older, new, old
    return _turned(faces).reshape(-1, SIDE, SIDE)


def _paeth(left: Grey, above: Grey, corner: Grey) -> Grey:
    """The one of three neighbours that is nearest to left + above - corner, as PNG says.

    That is the higher of the first two where the corner is at most a third of the way from the
    lower to it, the lower one at two thirds or more, and else the corner. With the others masked
    by zeros it is the neighbour that is left.
    """
    low, high = np.minimum(left, above), np.maximum(left, above)
    over_low = np.maximum(corner, low) - low
    under_high = high - np.minimum(corner, high)
    less = np.minimum(over_low, under_high)
    takes_high = -(over_low <= under_high - less).view(np.uint8)
    takes_low = -(under_high <= over_low - less).view(np.uint8)
    chosen: Grey = corner ^ ((high ^ corner) & takes_high | (low ^ corner) & takes_low)
    return chosen


def _turned(values: Grey) -> Grey:
    """Rows as columns, so that what is done with many pictures is done with neighbours.

    Three to thirty times as fast as numpy does it.
    """
    return np.asarray(cv2.transpose(values), np.uint8)
