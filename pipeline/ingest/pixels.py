"""Text to grey values: `24 21 18 ...` becomes 2,304 bytes a face.

The common case, clean rows, costs a few passes of byte arithmetic over a piece that stays in the
processor's cache. A piece with anything unusual in it goes to a slow reader, which either accepts
the row after all (leading zeros, tabs) or says what is wrong with it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.batch import shown
from pipeline.faces.expressions import PIXELS

Grey = NDArray[np.uint8]

_PIECE = 16
"""Rows parsed at once: about 130 KB of text, at which the arithmetic below runs fastest."""

_BLANK, _ZERO, _TEN = np.uint8(ord(" ")), np.uint8(ord("0")), np.uint8(10)


def parse_pixels(rows: Sequence[bytes]) -> tuple[Grey, dict[int, str]]:
    """Read rows of blank-separated whole numbers.

    Args:
        rows: the text of one face each.

    Returns:
        Grey values of shape (rows, 2304), and what is wrong with a row by its index in `rows`;
        the grey values of such a row mean nothing.
    """
    pixels = np.empty((len(rows), PIXELS), np.uint8)
    faults: dict[int, str] = {}
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        values = _parse_clean(piece)
        if values is not None:
            pixels[start : start + len(piece)] = values
            continue
        for index, row in enumerate(piece, start):
            reason = find_fault(row)
            if reason is None:
                pixels[index] = [int(word) for word in row.split()]
            else:
                faults[index] = reason
    return pixels, faults


def find_fault(row: bytes) -> str | None:
    """Say what keeps one row from being a face; None when nothing does."""
    words = row.split()
    for place, word in enumerate(words, 1):
        # Huge numbers must not reach int(), which refuses more than 4,300 digits.
        if not word.isdigit() or len(word.lstrip(b"0")) > 3 or int(word) > 255:
            return f"value {place}: {shown(word)}; expected a whole number 0 to 255"
    if len(words) != PIXELS:
        return f"{len(words)} values; expected {PIXELS}"
    return None


def _parse_clean(rows: Sequence[bytes]) -> Grey | None:
    """Read rows that hold digits and blanks only, or give up with None at the first doubt.

    Every position is treated as if a number of up to three digits ended there; the true ends are
    picked out last. Two blanks in front let each position look two back.
    """
    text = np.frombuffer(b"  " + b" ".join(rows) + b" ", np.uint8)
    digits = text - _ZERO
    is_digit = digits < _TEN
    if np.count_nonzero(is_digit) + np.count_nonzero(text == _BLANK) != text.size:
        return None
    ones = is_digit.view(np.uint8)
    digits *= ones

    # `before` is the number formed by the up to two digits left of a digit. Beyond 25 a third
    # digit leads past 255; at 25 the sum may still wrap around, and is then less than its digit.
    before = digits[:-1] * ones[1:]
    before *= _TEN
    before += digits[1:]
    before = before[:-1] * ones[2:]
    values = before * _TEN
    values += digits[2:]
    pairs = is_digit[1:] & is_digit[:-1]
    if before.max() > 25 or (values < digits[2:]).any() or (pairs[2:] & pairs[:-2]).any():
        return None

    found = np.flatnonzero(is_digit[2:-1] > is_digit[3:])
    if found.size != len(rows) * PIXELS:
        return None
    ends = found.reshape(len(rows), PIXELS)
    # The total can be right with one row a value short and another a value long.
    stops = np.cumsum([len(row) + 1 for row in rows])
    if (ends[:, -1] >= stops).any() or (ends[1:, 0] < stops[:-1]).any():
        return None
    return values[ends]
