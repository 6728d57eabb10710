"""A stream's bytes, whatever they are packed with: nothing, gzip, xz or bzip2, by content."""

import bz2
import io
import lzma
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, BinaryIO

from isal import igzip

from pipeline.errors import UserError
from pipeline.faces.batch import Progress

_BUFFER = 1 << 20

_MOST = 200
"""Times its own size that a file may unpack to: a CSV file of faces does so about five times."""

_ALWAYS = 1 << 30
"""Bytes that it may unpack to in any case."""


@contextmanager
def unpacked(
    opening: AbstractContextManager[Any], name: str, size: int, progress: Progress | None = None
) -> Iterator[BinaryIO]:
    """Open a stream for reading its unpacked bytes from front to back.

    Damage that shows only in the course of reading ends the block with the error below as well,
    whatever the code inside makes of it.

    Args:
        opening: opens the packed stream, such as `Folder.open`.
        name: of the file, for errors.
        size: of the packed stream, in bytes.
        progress: told of the packed bytes as they are read.

    Raises:
        UserError: it cannot be opened, breaks off, is damaged, or unpacks to more than faces do.
    """
    with ExitStack() as stack:
        kind = "file"
        try:
            counted = _Counted(stack.enter_context(opening), progress)
            packed: Any = io.BufferedReader(counted, _BUFFER)
            kind = compression(packed.peek(6))
            guard = _Guard(_unpack(packed, kind), name, kind, most_unpacked(size))
        except Exception as error:  # zipfile raises nearly anything at a damaged file
            raise damage(name, kind, error) from None
        # Closing takes this reader's lock: a read under way in another thread ends first.
        reader = stack.enter_context(io.BufferedReader(guard, _BUFFER))
        try:
            yield reader
        finally:
            if guard.failure is not None:
                raise guard.failure from None


def most_unpacked(size: int) -> int:
    """Bytes that a file of this size may unpack to."""
    return max(_ALWAYS, _MOST * size)


def compression(head: bytes) -> str:
    """`gzip`, `xz` or `bzip2` by a stream's first six bytes; else `file`."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    return "bzip2" if head.startswith(b"BZh") else "file"


def _unpack(packed: Any, kind: str) -> Any:
    if kind == "gzip":
        # A third of zlib's time, which would be the longest single step of reading.
        return igzip.IGzipFile(fileobj=packed)  # type: ignore[no-untyped-call]
    if kind == "xz":
        return lzma.LZMAFile(packed)
    return bz2.BZ2File(packed) if kind == "bzip2" else packed


def damage(name: str, kind: str, error: Exception) -> UserError:
    """What is wrong with a file that cannot be opened or unpacked, in one line."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return UserError(
            f"{error.filename or name}: cannot be read: {error.strerror}; see who may with ls -l"
        )
    detail = " ".join(str(error).split()) or type(error).__name__
    return UserError(
        f"{name}: a damaged or incomplete {kind}, or none at all: {detail[:200]}; "
        "fetch or pack it again"
    )


class _Counted(io.RawIOBase):
    """Passes bytes on and tells how many."""

    def __init__(self, source: Any, progress: Progress | None) -> None:
        self._source, self._progress = source, progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill as much of the buffer as the source gives in one go, and tell."""
        count = int(self._source.readinto(buffer))
        if self._progress is not None and count:
            self._progress(count)
        return count


class _Guard(_Counted):
    """Passes on as many bytes as are allowed, and keeps the error that ended them.

    pyarrow reads in a thread of its own, where an error turns into a vaguer one or into silence.
    """

    def __init__(self, source: BinaryIO, name: str, kind: str, limit: int) -> None:
        super().__init__(source, self._spend)
        self._name, self._kind = name, kind
        self._limit = self._left = limit
        self.failure: UserError | None = None

    def readinto(self, buffer: Any) -> int:
        try:
            return super().readinto(buffer)
        except Exception as error:
            self.failure = damage(self._name, self._kind, error)
            raise self.failure from None

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise UserError(
                f"{self._name}: unpacks to more than {self._limit:,} bytes, {_MOST} times its "
                "size, which no faces do; unpack it yourself if you trust it"
            )

    def close(self) -> None:
        self._source.close()
        super().close()
