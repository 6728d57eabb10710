"""The files of a source, wherever they lie: in a folder, a zip or a tar, which are not unpacked."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, NoReturn, Protocol

from pipeline.errors import UserError
from pipeline.faces.batch import Progress
from pipeline.ingest.compressed import MOST, compression, damage, unpacked
from pipeline.ingest.kinds import HEAD, Kind, ending_tells, is_archive, is_noise, kind_of

_ALWAYS = 1 << 30
_MOST_FILES = 2_000_000

_SMALL = 1 << 14
"""Bytes that most pictures of faces have not."""

_PICTURE = 1 << 26
"""Bytes that no picture of a face has."""


class Member(NamedTuple):
    """A file of a container."""

    name: str
    """Its path in there, parted by slashes."""
    size: int
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

    def contents(
        self, names: Collection[str], progress: Progress | None = None
    ) -> Iterator[tuple[str, bytes | Exception]]:
        """The bytes of these files, or why one cannot be read, in the order of `members`."""


class Folder:
    """A folder with all that is below it, sorted by path; hidden files are not seen.

    Args:
        path: the folder.
        only: the one file of it that is seen.

    Raises:
        UserError: a folder in it cannot be read, or is a link.
    """

    def __init__(self, path: Path, only: str | None = None) -> None:
        self.path = path
        self.folders: set[str] = set()
        self.passed: list[Passed] = []
        self._files: dict[str, str] = {}
        self.members = []
        for member, place in self._walk(str(path), only=only):
            self.members.append(member)
            self._files[member.name] = place
        self.members.sort()

    def _walk(
        self, folder: str, inside: str = "", only: str | None = None
    ) -> Iterator[tuple[Member, str]]:
        """All files below a folder, with their paths on disk."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._refuse(error)
        for entry in entries:
            if is_noise(entry.name) if only is None else entry.name != only:
                continue
            name = inside + _legible(entry.name)
            if not entry.is_dir():
                yield Member(name, *_look(entry)), entry.path
                continue
            if entry.is_symlink():
                raise UserError(
                    f"{self.path.name}/{name}: is a link; expected a folder of images: "
                    "copy it there, or name what it leads to in data.source"
                )
            self.folders.add(name)
            yield from self._walk(entry.path, f"{name}/")

    def _refuse(self, error: OSError) -> NoReturn:
        raise UserError(
            f"{error.filename}: cannot be read: {error.strerror}; "
            f"chmod -R u+rX {error.filename} lets its owner read it"
        )

    @contextmanager
    def open(self, name: str, progress: Progress | None = None) -> Iterator[Any]:
        """See `Container`."""
        with _Counted(Path(self._files[name]), progress) as file:
            yield file

    def contents(
        self, names: Collection[str], progress: Progress | None = None
    ) -> Iterator[tuple[str, bytes | Exception]]:
        """See `Container`."""
        for name in names:
            try:
                content: bytes | Exception = _read(self._files[name])
            except (OSError, ValueError) as error:
                content = error
            yield name, content
            if progress is not None:
                progress(len(content) if isinstance(content, bytes) else 0)


class Zip:
    """A zip, in the order of its paths.

    Raises:
        UserError: it is damaged or encrypted, or it holds what no set of faces does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folders: set[str] = set()
        self.passed: list[Passed] = []
        self._infos: dict[str, zipfile.ZipInfo] = {}
        with self._archive() as archive:
            infos = archive.infolist()
            if len(infos) != _count(path, len(infos)):  # zipfile stops at the first odd one
                raise zipfile.BadZipFile("its directory lists fewer files than it says")
            _limit(path, len(infos), sum(info.file_size for info in infos), path.stat().st_size)
            for info in sorted(infos, key=lambda info: info.filename):
                name = _safe(path, info.filename)
                if is_noise(name):
                    continue
                if info.is_dir():
                    self.folders.add(name)
                elif stat.S_ISLNK(info.external_attr >> 16):
                    self.passed.append(Passed(name, "a link in an archive"))
                elif info.flag_bits & 1:
                    raise UserError(f"{path.name}: {name} is encrypted; unpack it into a folder")
                else:
                    self._infos[name] = info
            self.members = [
                Member(name, info.file_size, kind_of(name, self._head(archive, name, info)))
                for name, info in self._infos.items()
            ]

    @contextmanager
    def _archive(self, progress: Progress | None = None) -> Iterator[zipfile.ZipFile]:
        try:
            with io.BufferedReader(_Counted(self.path, progress)) as file:
                yield zipfile.ZipFile(file)
        except (UserError, GeneratorExit):
            raise
        except Exception as error:  # zipfile raises nearly anything at a damaged file
            raise damage(self.path.name, "zip", error) from None

    @staticmethod
    def _head(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bytes:
        if ending_tells(name):
            return b""
        with archive.open(info) as file:
            return file.read(HEAD)

    @contextmanager
    def open(self, name: str, progress: Progress | None = None) -> Iterator[Any]:
        """See `Container`."""
        with self._archive(progress) as archive, archive.open(self._infos[name]) as file:
            yield file

    def contents(
        self, names: Collection[str], progress: Progress | None = None
    ) -> Iterator[tuple[str, bytes | Exception]]:
        """See `Container`."""
        wanted = set(names)
        with self._archive() as archive:
            for member in self.members:
                if member.name in wanted:
                    try:
                        found = _small(member) or archive.read(self._infos[member.name])
                    except Exception as error:
                        found = error
                    yield member.name, found
                    if progress is not None:
                        progress(member.size)


class Tar:
    """A tar, compressed or not, in its own order: each look at it goes once from front to back.

    Raises:
        UserError: it is damaged, or holds what no set of faces does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folders: set[str] = set()
        self.passed: list[Passed] = []
        self.members: list[Member] = []
        count = 0
        for info, file in self._walk():
            count += 1
            _limit(path, count, 0, 0)
            name = _safe(path, info.name)
            if is_noise(name):
                continue
            if info.isdir():
                self.folders.add(name)
            elif file is None:
                self.passed.append(Passed(name, "a link or a device in an archive"))
            else:
                head = b"" if ending_tells(name) else file.read(HEAD)
                self.members.append(Member(name, info.size, kind_of(name, head)))

    def _walk(self, progress: Progress | None = None) -> Iterator[tuple[tarfile.TarInfo, Any]]:
        size = self.path.stat().st_size
        with unpacked(_Counted(self.path, progress), self.path.name, size) as stream:
            try:
                with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as tar:
                    for info in tar:
                        yield info, tar.extractfile(info) if info.isreg() else None
                        tar.members.clear()  # type: ignore[attr-defined]
            except tarfile.TarError as error:
                raise damage(self.path.name, "tar", error) from None
            while stream.read(1 << 20):  # to its end, where a checksum stands
                pass

    @contextmanager
    def open(self, name: str, progress: Progress | None = None) -> Iterator[Any]:
        """See `Container`."""
        walk = self._walk(progress)
        for info, file in walk:
            if file is not None and _safe(self.path, info.name) == name:
                yield file
                for _ in walk:  # to its end, where a checksum stands
                    pass
                return
        raise UserError(f"{self.path.name}: changed while it was read")

    def contents(
        self, names: Collection[str], progress: Progress | None = None
    ) -> Iterator[tuple[str, bytes | Exception]]:
        """See `Container`."""
        wanted = set(names)
        for info, file in self._walk(progress):
            name = _safe(self.path, info.name)
            if file is not None and name in wanted:
                yield name, _small(Member(name, info.size, "picture")) or file.read()


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


def open_archive(path: Path) -> Container | None:
    """A zip or a tar, told by its content; None if the file is neither.

    Raises:
        UserError: see `Zip` and `Tar`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:2] == b"PK" and is_archive(head):
        return Zip(path)
    try:
        with unpacked(_Counted(path, None), path.name, path.stat().st_size) as stream:
            inner = stream.read(HEAD)
    except UserError:
        return None
    return Tar(path) if is_archive(inner) and inner[:2] != b"PK" else None


def _look(entry: "os.DirEntry[str]") -> tuple[int, Kind]:
    """Size and kind of a file; a link to nowhere is empty, which reading then says."""
    try:
        size = entry.stat().st_size
    except OSError:
        return 0, kind_of(entry.name, b"")
    if ending_tells(entry.name) or not entry.is_file():
        return size, kind_of(entry.name, b"")
    try:
        with Path(entry.path).open("rb") as file:
            head = file.read(HEAD)
        if compression(head) == "file":
            return size, kind_of(entry.name, head)
        with unpacked(Path(entry.path).open("rb"), entry.name, size) as inner:
            return size, "archive" if is_archive(inner.read(HEAD)) else "table"
    except (OSError, UserError):  # which reading then says
        return size, kind_of(entry.name, b"")


def _read(path: str) -> bytes:
    """All of a file, in the fewest calls: there may be many thousands."""
    file = os.open(path, os.O_RDONLY)
    try:
        content = os.read(file, _SMALL)
        if len(content) == _SMALL:
            content += os.read(file, _PICTURE)
    finally:
        os.close(file)
    if len(content) >= _PICTURE:
        raise ValueError(f"{_PICTURE:,} bytes or more; expected fewer")
    return content


def _small(member: Member) -> Exception | None:
    if member.size < _PICTURE:
        return None
    return ValueError(f"{member.size:,} bytes; expected fewer than {_PICTURE:,}")


def _legible(name: str) -> str:
    """A name as text; bytes that are none as escapes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _safe(path: Path, name: str) -> str:
    """A path in an archive, or an error if it leads out of it."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts:
        raise UserError(
            f"{path.name}: holds {name[:80]!r}, a path that leaves the archive; pack it anew"
        )
    return inside.as_posix()


def _count(path: Path, files: int) -> int:
    """How many files a zip says that it has; `files` where it says so elsewhere (zip64)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        tail = file.read()
    end = tail[tail.rfind(b"PK\x05\x06") :]
    said = int.from_bytes(end[10:12], "little")
    return files if said == 0xFFFF else said


def _limit(path: Path, files: int, size: int, packed: int) -> None:
    if files > _MOST_FILES:
        raise UserError(
            f"{path.name}: more than {_MOST_FILES:,} files; no set of faces has so many"
        )
    if size > max(_ALWAYS, MOST * packed):
        raise UserError(
            f"{path.name}: {packed:,} bytes that unpack to {size:,}, which no faces do; "
            "unpack it yourself if you trust it"
        )


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
