"""The files of a folder, and of all folders below it."""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.ingest.compressed import compression, unpacked
from pipeline.ingest.containers import PICTURE, Member, Passed
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
        self._sums: dict[str, str] = {}
        """MD5 sums of the pictures that were read."""
        self._files: dict[str, str] = {}
        self.members: list[Member] = []
        if only:
            self._add(only, path / only)
        else:
            self._walk(str(path))
        self.members.sort()

    def _add(self, name: str, entry: "os.DirEntry[str] | Path") -> None:
        self.members.append(Member(name, *_look(entry)))
        self._files[name] = os.fspath(entry)

    def _walk(self, folder: str, inside: str = "") -> None:
        """Note all files below a folder."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(
                f"{error.filename}: cannot be read: {error.strerror}; "
                f"chmod -R u+rX {error.filename} lets its owner read it"
            ) from None
        for entry in entries:
            if is_noise(entry.name):
                continue
            name = entry.name
            if not name.isascii():  # bytes that are no text as escapes
                name = os.fsencode(name).decode("utf-8", "backslashreplace")
            name = inside + name
            if not entry.is_dir():
                self._add(name, entry)
                continue
            if entry.is_symlink():
                raise UserError(
                    f"{self.path.name}/{name}: is a link; expected a folder of images: "
                    "copy it there, or name what it leads to in data.source"
                )
            self.folders.add(name)
            self._walk(entry.path, f"{name}/")

    def path_of(self, name: str) -> Path:
        """Where a file lies."""
        return Path(self._files[name])

    def md5(self) -> str:
        """MD5 sum of the names and sums of all in it that may hold faces or labels."""
        lines = "".join(
            f"{each.name} {self._sums.get(each.name) or md5_of(self.path_of(each.name))}\n"
            for each in self.members
            if each.kind not in ("other", "archive") or each.name.lower().endswith(".txt")
        )
        return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """Open a file's bytes as they are packed."""
        with self.path_of(name).open("rb") as file:
            yield file

    def contents(self, names: Collection[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """The bytes of these files, or why one cannot be read, in the order of `members`."""
        for name in names:
            try:
                content = _read(self._files[name])
            except (OSError, ValueError) as error:
                yield name, error
                continue
            self._sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
            yield name, content


def md5_of(path: Path) -> str:
    """MD5 sum of a file; empty if it cannot be read, which whoever needs its content says."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:
        return ""


def _look(entry: "os.DirEntry[str] | Path") -> tuple[int, Kind]:
    """Size and kind of a file; a link to nowhere is empty, which reading then says."""
    if ending_tells(entry.name):
        return 0, "picture"
    if not entry.is_file():
        return 0, kind_of(entry.name, b"")
    size = 0
    try:
        size = entry.stat().st_size
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
