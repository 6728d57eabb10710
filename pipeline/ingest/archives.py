"""The files of a zip or a tar, which are read where they lie: nothing is unpacked to disk."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import UserError
from pipeline.faces.batch import Progress
from pipeline.ingest.compressed import MOST, damage, unpacked
from pipeline.ingest.containers import PICTURE, Container, Counted, Member, Passed
from pipeline.ingest.kinds import HEAD, ending_tells, is_archive, is_noise, kind_of

_ALWAYS = 1 << 30
"""Bytes that an archive may unpack to in any case."""

_MOST_FILES = 2_000_000


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
        with unpacked(Counted(path, None), path.name, path.stat().st_size) as stream:
            inner = stream.read(HEAD)
    except UserError:
        return None
    return Tar(path) if is_archive(inner) and inner[:2] != b"PK" else None


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
            with io.BufferedReader(Counted(self.path, progress)) as file:
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

    def contents(self, names: Collection[str]) -> Iterator[tuple[str, bytes | Exception]]:
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
        with unpacked(Counted(self.path, progress), self.path.name, size) as stream:
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

    def contents(self, names: Collection[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """See `Container`."""
        wanted = set(names)
        for info, file in self._walk():
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


def _small(member: Member) -> Exception | None:
    if member.size < PICTURE:
        return None
    return ValueError(f"{member.size:,} bytes; expected fewer than {PICTURE:,}")
