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
from pydantic import BaseModel

from pipeline import disk, layout
from pipeline.errors import UserError
from pipeline.imports import deciding

KEPT = 2
"""The newest, and the one before it in case the newest turns out to be damaged."""

LARGE = 100 * 2**20
"""Bytes of a checkpoint from which writing it would take as long as an epoch does on a GPU."""

PAUSE = 15.0
"""Seconds at least between two large checkpoints."""


def find_checkpoints(
    training: str, settings: Sequence[BaseModel], files: Sequence[Path], also: str = ""
) -> "Checkpoints":
    """The checkpoints of this very training: same data, parameters and code.

    Args:
        training: its stage, and its name in that, as in `train@cnn`.
        settings: the sections of params.yaml that the training reads.
        files: the data.
        also: what else decides it.

    Raises:
        UserError: a file is missing.
    """
    stage, _, name = training.partition("@")
    made_from = fingerprint(stage, settings, files, also)
    return Checkpoints(layout.CHECKPOINTS / f"{stage}-{name}", made_from)


def fingerprint(
    stage: str, settings: Sequence[BaseModel], files: Sequence[Path], also: str = ""
) -> str:
    """A hash of parameters, files and code; the code is what DVC asks whether to train again."""
    digest = hashlib.md5(
        ("".join(each.model_dump_json() for each in settings) + also).encode(),
        usedforsecurity=False,
    )
    root = Path(__file__).parents[2]
    for path in [*files, *(root / file for file in sorted(deciding(stage, root)))]:
        try:
            state = path.stat()
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None
        digest.update(_md5(path.absolute(), state.st_mtime_ns, state.st_size))
    return digest.hexdigest()


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
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{self._prefix}-{epoch:05d}.part"
        try:
            with disk.naming(partial), partial.open("w+b") as file:
                torch.save({"fingerprint": self.fingerprint, "state": state}, file)
                file.flush()
                os.fsync(file.fileno())
                file.seek(0)
                digest = _digest(file)
                self._bytes = file.tell()
        except BaseException:
            partial.unlink(missing_ok=True)  # on a full disk, its room is needed
            raise
        partial.replace(partial.with_name(f"{partial.stem}-{digest}.pt"))
        _flush(self.folder)
        for old in self._newest_first()[KEPT:]:
            old.unlink()
        self._saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The newest good state of this training, or None. A damaged file is set aside."""
        for path in self._newest_first():
            try:
                fingerprint, state = _read(path)
            except Exception:  # what a damaged archive raises has no common name
                aside = path.with_suffix(".damaged")
                path.replace(aside)
                warnings.warn(f"{path} is damaged; kept as {aside.name}, not used", stacklevel=2)
                continue
            if fingerprint == self.fingerprint:
                return state
        return None

    def remember(self, name: str, text: str) -> None:
        """Keep a fact about this training for when it goes on: `run`, its record; `precision`."""
        disk.write_text(self._fact(name), text)

    def remembered(self, name: str) -> str | None:
        """A fact that this training kept before it was killed."""
        fact = self._fact(name)
        return fact.read_text(encoding="utf-8") if fact.exists() else None

    def clear(self) -> None:
        """Remove this training's files: it is complete, its weights are kept elsewhere."""
        for path in self.folder.glob(f"{self._prefix}*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # it holds another training's, or is gone
            self.folder.rmdir()

    @property
    def _prefix(self) -> str:
        return self.fingerprint[:8]

    def _fact(self, name: str) -> Path:
        return self.folder / f"{self._prefix}.{name}"

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self._prefix}-*.pt"), reverse=True)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Fingerprint and state of a checkpoint.

    Raises:
        ValueError: its content is not what was written.
        Exception: it is no checkpoint.
    """
    with path.open("rb") as file:
        if _digest(file) != path.stem.rpartition("-")[2]:
            raise ValueError("damaged")
        file.seek(0)
        content = torch.load(file, map_location="cpu", weights_only=True)
    return content["fingerprint"], dict(content["state"])


def _digest(file: BufferedReader | BufferedRandom) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _flush(folder: Path) -> None:
    """See that a renaming is on disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
