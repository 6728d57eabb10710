"""A program's output as it comes: lines, and the states of progress bars between them."""

import codecs
import os
import re
import select
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

Part = tuple[str, str]
r"""A line or a state of a bar without colours, and what ended it: `\n`, `\r`, or nothing."""

BETWEEN_BARS = 10.0
"""Seconds between two states of a progress bar that a log gets."""

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_text(pipe: IO[bytes], time_left: Callable[[], float | None]) -> Iterator[str]:
    """The text of a pipe in pieces as they come, until its other end closes.

    Args:
        pipe: read until its end.
        time_left: seconds that may go by from now; None for no limit.

    Raises:
        TimeoutError: no time was left.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        left = time_left()
        if not (left is None or (left > 0 and select.select([pipe], [], [], left)[0])):
            raise TimeoutError
        if not (piece := os.read(pipe.fileno(), 2**16)):
            return
        yield decoder.decode(piece)


def split_parts(pieces: Iterable[str]) -> Iterator[Part]:
    """Parts of a text that comes in pieces, cut anywhere."""
    rest = ""
    for piece in pieces:
        *parts, rest = re.split(r"(?<=[\r\n])", rest + piece)
        for part in parts:
            yield _clean(part), part[-1]
    yield _clean(rest), ""


class LineLog:
    r"""Hands lines to a log, empty ones left out.

    A bar overwrites itself by ending its states in `\r`. The log gets one of them now and then, and
    the last.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log, self._bar, self._shown = log, "", -BETWEEN_BARS

    def __call__(self, text: str, end: str) -> None:
        """Take a part."""
        if end != "\r":
            if line := text or self._bar:
                self._log(line)
            self._bar = ""
        elif text:
            self._bar, now = text, time.monotonic()
            if now - self._shown >= BETWEEN_BARS:
                self._log(text)
                self._bar, self._shown = "", now


def _clean(text: str) -> str:
    return _COLOUR.sub("", text).rstrip()
