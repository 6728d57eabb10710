"""What holds the files of a source: a folder (`folder.py`) or an archive (`archives.py`)."""

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

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


class Container(Protocol):
    """What holds files."""

    path: Path
    members: list[Member]
    """In the order in which they are best read."""
    folders: set[str]
    passed: list[Passed]

    def open(self, name: str, progress: Progress | None = None) -> Any:
        """Open a file's bytes as a context manager, as they are packed."""

    def contents(self, names: Collection[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """The bytes of these files, or why one cannot be read, in the order of `members`."""


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
