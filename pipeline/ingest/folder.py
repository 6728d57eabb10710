"""The files of a folder, and of all folders below it."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import UserError
from pipeline.faces.batch import Progress
from pipeline.ingest.compressed import compression, unpacked
from pipeline.ingest.containers import PICTURE, Counted, Member, Passed
from pipeline.ingest.kinds import HEAD, Kind, ending_tells, is_archive, is_noise, kind_of

_SMALL = 1 << 14
"""Bytes that most pictures of faces have not."""


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
        found = [_only(path / only)] if only else self._walk(str(path))
        for member, place in found:
            self.members.append(member)
            self._files[member.name] = place
        self.members.sort()

    def _walk(self, folder: str, inside: str = "") -> Iterator[tuple[Member, str]]:
        """All files below a folder, with their paths on disk."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._refuse(error)
        for entry in entries:
            if is_noise(entry.name):
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

    def path_of(self, name: str) -> Path:
        """Where a file lies."""
        return Path(self._files[name])

    def readable(self) -> list[str]:
        """The names of all that may hold faces or labels."""
        return [
            each.name
            for each in self.members
            if each.kind not in ("other", "archive") or each.name.lower().endswith(".txt")
        ]

    @contextmanager
    def open(self, name: str, progress: Progress | None = None) -> Iterator[Any]:
        """See `Container`."""
        with Counted(self.path_of(name), progress) as file:
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


def _only(path: Path) -> tuple[Member, str]:
    return Member(path.name, *_look(path)), str(path)


def _look(entry: "os.DirEntry[str] | Path") -> tuple[int, Kind]:
    """Size and kind of a file; a link to nowhere is empty, which reading then says."""
    try:
        size = entry.stat().st_size
    except OSError:
        return 0, kind_of(entry.name, b"")
    if ending_tells(entry.name) or not entry.is_file():
        return size, kind_of(entry.name, b"")
    try:
        with Path(entry).open("rb") as file:
            head = file.read(HEAD)
        if compression(head) == "file":
            return size, kind_of(entry.name, head)
        with unpacked(Path(entry).open("rb"), entry.name, size) as inner:
            return size, "archive" if is_archive(inner.read(HEAD)) else "table"
    except (OSError, UserError):  # which reading then says
        return size, kind_of(entry.name, b"")


def _read(path: str) -> bytes:
    """All of a file, in the fewest calls: there may be many thousands."""
    file = os.open(path, os.O_RDONLY)
    try:
        content = os.read(file, _SMALL)
        if len(content) == _SMALL:
            content += os.read(file, PICTURE)
    finally:
        os.close(file)
    if len(content) >= PICTURE:
        raise ValueError(f"{PICTURE:,} bytes or more; expected fewer")
    return content


def _legible(name: str) -> str:
    """A name as text; bytes that are none as escapes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
