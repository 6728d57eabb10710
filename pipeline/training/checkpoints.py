"""Checkpoints: everything a killed training needs to go on, complete or absent."""

import hashlib
import math
import os
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any

import torch

from pipeline import disk, layout
from pipeline.dvc_yaml import code_of
from pipeline.errors import UserError

KEPT = 2
"""The newest, and the one before it in case the newest turns out to be damaged."""

LARGE = 100 * 2**20
"""Bytes of a checkpoint from which writing it would take as long as an epoch does on a GPU."""

PAUSE = 15.0
"""Seconds at least between two large checkpoints."""


def find_checkpoints(
    training: str, settings: Sequence[object], files: Sequence[Path]
) -> "Checkpoints":
    """The checkpoints of this very training, such as `train@cnn`: same settings, files and code.

    Settings are the sections of params.yaml that it reads, and what else decides it; files are the
    data; code is what DVC, too, asks whether to train again.

    Raises:
        UserError: a file is missing.
    """
    stage, _, name = training.partition("@")
    digest = hashlib.md5(repr(settings).encode(), usedforsecurity=False)
    for path in [*files, *sorted(code_of(stage))]:
        try:
            state = path.stat()
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None
        digest.update(_md5(path.absolute(), state.st_mtime_ns, state.st_size))
    return Checkpoints(layout.CHECKPOINTS / f"{stage}-{name}", digest.hexdigest())


@cache
def _md5(path: Path, _changed: int, _size: int) -> bytes:
    """Of a file's content, read once a process: several trainings have the same data."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").digest()


class Checkpoints:
    """A folder of checkpoints of one training, told apart from others by a fingerprint.

    Args:
        folder: made when the first checkpoint is written.
        fingerprint: of the data, the parameters and the code. It is part of every file's name, so
            that trainings that differ in any of these neither use nor remove one another's. So is
            the digest of its content: reading an archive of tensors checks no sums of its own, and
            one flipped bit would be a wrong weight.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint
        self._bytes, self._saved_at = 0, -math.inf

    def are_due(self) -> bool:
        """Whether to save now: after every epoch, what is large only once in a while."""
        return self._bytes < LARGE or time.monotonic() - self._saved_at >= PAUSE

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after an epoch (counted from 1): write, flush to disk, rename."""
        path = self.folder / f"{self.fingerprint}-{epoch:05d}"
        with disk.whole(path) as partial, partial.open("w+b") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = _digest(file)
            self._bytes = file.tell()
        path.rename(f"{path}-{digest}.pt")
        for old in self._newest_first()[KEPT:]:
            old.unlink()
        self._saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The newest good state of this training, or None. A damaged file is set aside."""
        for path in self._newest_first():
            with path.open("rb") as file, suppress(Exception):  # what torch raises has no one name
                if _digest(file) == path.stem.rpartition("-")[2]:
                    file.seek(0)
                    return dict(torch.load(file, map_location="cpu", weights_only=True))
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            warnings.warn(f"{path} is damaged; kept as {aside.name}, not used", stacklevel=2)
        return None

    def explain_new_start(self) -> str:
        """Why nothing goes on though epochs are kept here, in one line; empty if none are."""
        newest = max(self.folder.glob("*.pt"), key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            return ""
        epoch = int(newest.stem.split("-")[-2])
        return (
            f"starts anew: {self.folder} holds epoch {epoch} of a training with other parameters "
            "(other epochs are), faces or code, which alone goes on from there; "
            f"rm -r {self.folder} drops it"
        )

    def remember(self, name: str, text: str) -> None:
        """Keep a fact about this training for when it goes on: `run`, its record; `precision`."""
        disk.write_text(self.folder / f"{self.fingerprint}.{name}", text)

    def remembered(self, name: str) -> str | None:
        """A fact that this training kept before it was killed."""
        fact = self.folder / f"{self.fingerprint}.{name}"
        return fact.read_text(encoding="utf-8") if fact.exists() else None

    def clear(self) -> None:
        """Remove this training's files: it is complete, its weights are kept elsewhere."""
        for path in self.folder.glob(f"*{self.fingerprint}*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # it holds another training's, or is gone
            self.folder.rmdir()

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.fingerprint}-*.pt"), reverse=True)


def _digest(file: BufferedReader | BufferedRandom) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()[:16]
