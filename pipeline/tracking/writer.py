"""A journal's folder on disk, from the side of the stage that fills it.

`events.jsonl` holds one event a line, appended with one write each, so that a reader never meets
half of one and a killed stage loses nothing. `files` holds copies of what is to be kept.
"""

import errno
import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pipeline import disk
from pipeline.tracking.places import EVENTS, FILES, Address, Desk
from pipeline.tracking.summon import summon

LOOK_AFTER = 30.0
"""Seconds between two looks whether the recorder is still alive, in a long stage."""


@dataclass
class Writer:
    """Appends events to one journal; safe to use from several threads."""

    desk: Desk
    address: Address
    folder: Path
    file: BinaryIO
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked: float = -LOOK_AFTER

    def write(self, event: str, **values: Any) -> None:
        """Append one event, dated now, and see to it that somebody reads it."""
        said = {"event": event, "time": int(time.time() * 1000), **values}
        line = json.dumps(said, default=str).encode() + b"\n"
        with self._lock:
            with disk.naming(self.folder / EVENTS):
                self._append(line)
            if time.monotonic() - self._looked >= LOOK_AFTER:
                self.look_after_recorder()

    def _append(self, line: bytes) -> None:
        written = self.file.write(line)
        if written != len(line):  # the disk took a part, and the next event must not join it
            self.file.truncate(self.file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def look_after_recorder(self) -> None:
        """Start a recorder if none is alive. Comes after writing: it may be about to leave."""
        self._looked = time.monotonic()
        summon(self.desk, self.address)

    def keep(self, source: Path) -> str:
        """Copy a file or folder at once, before DVC replaces it; a hard link costs nothing.

        Returns:
            Where the copy is, relative to the journal's folder.
        """
        kept = Path(FILES, str(next(self._numbers)), source.name)
        target = self.folder / kept
        target.parent.mkdir(parents=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=_link_or_copy)
        else:
            _link_or_copy(source, target)
        return kept.as_posix()


@contextmanager
def new_journal(desk: Desk, address: Address, run: str) -> Iterator[Writer]:
    """Make a journal's folder and open its file; folders sort by the time they were made."""
    folder = desk.journals / f"{time.time_ns()}-{run[:8]}"
    folder.mkdir()
    with (folder / EVENTS).open("ab", buffering=0) as file:
        yield Writer(desk, address, folder, file)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    original = Path(source).resolve(strict=True)  # DVC may link an output into its cache
    try:
        os.link(original, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(original, target)
