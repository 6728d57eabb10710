"""What a folder (`folder.py`) and an archive (`archives.py`) say of the files that they hold."""

import io
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.faces.batch import Progress
from pipeline.ingest.kinds import Kind

PICTURE = 1 << 26
"""Bytes that no picture of a face has."""


class Member(NamedTuple):
    """A file of a container."""

    name: str
    """Its path in there, parted by slashes."""
    size: int
    """Bytes; 0 for a folder's pictures, as thousands need not be asked for theirs."""
    kind: Kind


class Passed(NamedTuple):
    """Something that is there and is not read."""

    name: str
    reason: str


class Counted(io.FileIO):
    """A file that tells how many bytes were read from it."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        super().__init__(path)
        self._progress = progress

    def readinto(self, buffer: Any) -> int | None:
        """Read, and tell how many bytes came."""
        count = super().readinto(buffer)
        if self._progress is not None and count:
            self._progress(count)
        return count
