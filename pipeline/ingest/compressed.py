"""A file's bytes, whatever it is packed in: plain, gzip, xz, or a zip with one member."""

import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from isal import igzip

from pipeline.errors import UserError
from pipeline.faces.batch import Progress

PACKED = ("", ".gz", ".xz", ".zip")
"""What a file's name may end in after `.csv`, in the order in which files are looked for."""

_KINDS = {".gz": "gzip", ".xz": "xz", ".zip": "zip"}
_BUFFER = 1 << 20


@contextmanager
def unpacked(path: Path, progress: Progress | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading its unpacked bytes from front to back.

    Damage that shows only in the course of reading ends the block with the error below as well,
    whatever the code inside makes of it.

    Raises:
        UserError: the file cannot be opened, is not what its name says, or breaks off.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(_Counted(path, progress))
            packed = stack.enter_context(io.BufferedReader(raw, _BUFFER))
            guard = _Guard(_unpack(packed, path), path)
        except UserError:
            raise
        except Exception as error:  # zipfile raises nearly anything at a damaged file
            raise _explain(path, error) from None
        # Closing takes this reader's lock: a read under way in another thread ends first.
        reader = stack.enter_context(io.BufferedReader(guard, _BUFFER))
        try:
            yield reader
        finally:
            if guard.failure is not None:
                raise guard.failure from None


def _unpack(packed: Any, path: Path) -> Any:
    kind = _KINDS.get(path.suffix.lower())
    if kind == "gzip":
        # A third of zlib's time, which would be the longest single step of reading.
        return igzip.IGzipFile(fileobj=packed)  # type: ignore[no-untyped-call]
    if kind == "xz":
        return lzma.LZMAFile(packed)
    if kind == "zip":
        archive = zipfile.ZipFile(packed)
        names = [item.filename for item in archive.infolist() if not item.is_dir()]
        names = [name for name in names if not name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise UserError(f"{path.name}: {len(names)} files in the zip; expected one CSV file")
        return archive.open(names[0])
    return packed


def _explain(path: Path, error: Exception) -> UserError:
    if isinstance(error, OSError) and error.strerror:
        return UserError(f"{path}: cannot be read: {error.strerror}")
    kind = _KINDS.get(path.suffix.lower(), "file")
    detail = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{path.name}: a damaged or incomplete {kind}, or none at all: {detail}")


class _Counted(io.FileIO):
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


class _Guard(io.RawIOBase):
    """Passes bytes on and keeps the error that ended them.

    pyarrow reads in a thread of its own, where an error turns into a vaguer one or into silence.
    """

    def __init__(self, source: Any, path: Path) -> None:
        self._source = source
        self._path = path
        self.failure: UserError | None = None

    def readable(self) -> bool:
        """Say that this is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill as much of the buffer as the source gives in one go."""
        try:
            return int(self._source.readinto(buffer))
        except Exception as error:
            self.failure = _explain(self._path, error)
            raise self.failure from None

    def close(self) -> None:
        """Close the source along with this."""
        self._source.close()
        super().close()
