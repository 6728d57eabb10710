"""A program's output as lines for a log: progress bars thinned out, colours removed."""

import codecs
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

BETWEEN_BARS = 10.0
"""Seconds between two states of a progress bar that are logged."""

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_text(pipe: IO[bytes]) -> Iterator[str]:
    """The text of a pipe as it arrives, in pieces of any size, until its other end closes."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while piece := os.read(pipe.fileno(), 2**16):
        yield decoder.decode(piece)


def read_lines(
    pieces: Iterable[str],
    between_bars: float = BETWEEN_BARS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    r"""Split text into lines, leaving out empty ones.

    A bar overwrites itself by ending its states in `\r`. Of those, one every `between_bars` seconds
    is given, and the last.

    Args:
        pieces: The text, cut anywhere.
        between_bars: Seconds.
        clock: Now, in seconds.
    """
    bar, shown = "", -between_bars
    for text, end in _split(pieces):
        if end != "\r":
            if line := text or bar:
                yield line
            bar = ""
        elif text:
            bar, now = text, clock()
            if now - shown >= between_bars:
                yield bar
                bar, shown = "", now


def _split(pieces: Iterable[str]) -> Iterator[tuple[str, str]]:
    r"""Each part of the text and what ended it: `\n`, `\r`, or nothing where the text stops."""
    rest = ""
    for piece in pieces:
        *parts, rest = re.split(r"(?<=[\r\n])", rest + piece)
        for part in parts:
            yield _clean(part), part[-1]
    yield _clean(rest), ""


def _clean(text: str) -> str:
    return _COLOUR.sub("", text).rstrip()
