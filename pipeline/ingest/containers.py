"""What a folder (`folder.py`) and an archive (`archives.py`) say of the files that they hold."""

from typing import NamedTuple

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
