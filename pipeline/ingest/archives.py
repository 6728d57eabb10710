"""The files of a zip or a tar, which are read where they lie: nothing is unpacked to disk."""

import stat
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pipeline.errors import UserError
from pipeline.ingest.compressed import damage, most_unpacked, unpacked
from pipeline.ingest.containers import PICTURE, Member, Passed
from pipeline.ingest.folder import Folder
from pipeline.ingest.kinds import HEAD, ending_tells, is_archive, is_noise, kind_of

_MOST_FILES = 2_000_000


def open_archive(path: Path) -> "Archive | None":
    """A zip or a tar, told by its content; None if the file is neither.

    Raises:
        UserError: see `Archive`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:2] == b"PK" and is_archive(head):
        return Archive(path, _walk_zip)
    try:
        with unpacked(path.open("rb"), path.name, path.stat().st_size) as stream:
            inner = stream.read(HEAD)
    except UserError:
        return None
    return Archive(path, _walk_tar) if is_archive(inner) and inner[:2] != b"PK" else None


class _Entry(NamedTuple):
    """What a place of an archive holds."""

    name: str
    size: int
    is_folder: bool
    open: Callable[[], Any] | None
    """Opens a file; None where there is none, such as at a link."""


class Archive:
    """An archive; each look at it goes once from front to back.

    Of files of one name the last is there, as when it is unpacked.

    Raises:
        UserError: it is damaged or encrypted, or it holds what no set of faces does.
    """

    def __init__(self, path: Path, walk: Callable[[Path], Iterator[_Entry]]) -> None:
        self.path = path
        self.folders: set[str] = set()
        self.passed: list[Passed] = []
        self._walk = walk
        members: dict[str, Member] = {}
        self._places: dict[str, int] = {}
        """Where each file stands among all that the archive holds, from 1."""
        packed, size = path.stat().st_size, 0
        for count, entry in enumerate(walk(path), 1):
            size += entry.size
            if count > _MOST_FILES or size > most_unpacked(packed):
                raise UserError(
                    f"{path.name}: {packed:,} bytes that unpack to {count:,} files of {size:,} "
                    "bytes or more, which no faces do; unpack it yourself if you trust it"
                )
            name = _safe(path, entry.name)
            if is_noise(name):
                continue
            if entry.is_folder:
                self.folders.add(name)
            elif entry.open is None:
                self.passed.append(Passed(name, "a link or a device in an archive"))
            else:
                head = b""
                if not ending_tells(name):
                    with self._opened(entry.open) as file:
                        head = file.read(HEAD)
                self._places[name] = count
                members.pop(name, None)
                members[name] = Member(name, entry.size, kind_of(name, head))
        self.members = list(members.values())

    def _files(self) -> Iterator[tuple[str, int, Callable[[], Any]]]:
        """Name and size of each file, and what opens it."""
        for count, entry in enumerate(self._walk(self.path), 1):
            name = _safe(self.path, entry.name)
            if entry.open and self._places.get(name) == count:
                yield name, entry.size, entry.open

    @contextmanager
    def _opened(self, opening: Callable[[], Any]) -> Iterator[Any]:
        try:
            with opening() as file:
                yield file
        except Exception as error:  # zipfile raises nearly anything at a damaged file
            raise damage(self.path.name, "archive", error) from None

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """See `Folder`."""
        is_there = False
        for each, _, opening in self._files():  # to its end, where a checksum may stand
            if each == name:
                is_there = True
                with self._opened(opening) as file:
                    yield file
        if not is_there:
            raise UserError(f"{self.path.name}: changed while it was read")

    def contents(self, names: Collection[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """See `Folder`."""
        wanted = set(names)
        for name, size, opening in self._files():
            if name not in wanted:
                continue
            try:
                if size >= PICTURE:
                    raise ValueError(f"{size:,} bytes; expected fewer than {PICTURE:,}")
                with opening() as file:
                    found = file.read()
            except UserError:  # of the whole archive
                raise
            except Exception as error:
                found = error
            yield name, found


Container = Folder | Archive
"""What holds the files of a source."""


def _walk_zip(path: Path) -> Iterator[_Entry]:
    """What a zip holds, in the order of its paths."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) != _count(path, len(infos)):  # zipfile stops at the first odd one
                raise zipfile.BadZipFile("its directory lists fewer files than it says")
            for info in sorted(infos, key=lambda info: info.filename):
                if info.flag_bits & 1:
                    raise UserError(
                        f"{path.name}: {info.filename} is encrypted; unpack it into a folder"
                    )
                is_file = not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
                opening = partial(archive.open, info) if is_file else None
                yield _Entry(info.filename, info.file_size, info.is_dir(), opening)
    except Exception as error:
        raise damage(path.name, "zip", error) from None


def _count(path: Path, files: int) -> int:
    """How many files a zip says that it has; `files` where it says so elsewhere (zip64)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        tail = file.read()
    end = tail[tail.rfind(b"PK\x05\x06") :]
    said = int.from_bytes(end[10:12], "little")
    return files if said == 0xFFFF else said


def _walk_tar(path: Path) -> Iterator[_Entry]:
    """What a tar holds, compressed or not, in its own order."""
    with unpacked(path.open("rb"), path.name, path.stat().st_size) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as tar:
                for info in tar:
                    opening = partial(tar.extractfile, info) if info.isreg() else None
                    yield _Entry(info.name, info.size, info.isdir(), opening)
                    tar.members.clear()  # type: ignore[attr-defined]
        except tarfile.TarError as error:
            raise damage(path.name, "tar", error) from None
        while stream.read(1 << 20):  # to its end, where a checksum stands
            pass


class _Header(tarfile.TarInfo):
    """A tar's header; one that is damaged is an error and not, as otherwise, the archive's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Any:
        """Read the next one."""
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def _safe(path: Path, name: str) -> str:
    """A path in an archive, or an error if it leads out of it."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts:
        raise UserError(
            f"{path.name}: holds {name[:80]!r}, a path that leaves the archive; pack it anew"
        )
    return inside.as_posix()
