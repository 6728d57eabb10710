"""Checkpoints: everything a killed training needs to go on, complete or absent."""

import os
import pickle
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch

KEPT = 2
"""The newest, and the one before it in case the newest turns out to be damaged."""


class Checkpoints:
    """A folder of checkpoints of one training, told apart from others by a fingerprint.

    Args:
        folder: made when the first checkpoint is written.
        fingerprint: of the data, the parameters and the code. It is part of every file's name, so
            that trainings that differ in any of these neither use nor remove one another's.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after an epoch (counted from 1): write, flush to disk, rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._path(epoch)
        partial = target.with_suffix(".part")
        try:
            with partial.open("wb") as file:
                torch.save({"fingerprint": self.fingerprint, "state": state}, file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)  # on a full disk, its room is needed
            raise
        partial.replace(target)
        _flush(self.folder)
        for old in self._newest_first()[KEPT:]:
            old.unlink()

    def load(self) -> dict[str, Any] | None:
        """The newest good state of this training, or None. A damaged file is set aside."""
        for path in self._newest_first():
            try:
                content = torch.load(path, map_location="cpu", weights_only=True)
                fingerprint, state = content["fingerprint"], content["state"]
            except (OSError, EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError):
                aside = path.with_suffix(".damaged")
                path.replace(aside)
                warnings.warn(f"{path} is damaged; kept as {aside.name}, not used", stacklevel=2)
                continue
            if fingerprint == self.fingerprint:
                return dict(state)
        return None

    def remember_run(self, run: str) -> None:
        """Keep the id of the record that this training writes to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._run.with_suffix(".part")
        partial.write_text(run, encoding="utf-8")
        partial.replace(self._run)

    def remembered_run(self) -> str | None:
        """The id that this training kept before it was killed."""
        return self._run.read_text(encoding="utf-8") if self._run.exists() else None

    def clear(self) -> None:
        """Remove the folder: the training is complete, its weights are kept elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _run(self) -> Path:
        return self.folder / f"{self.fingerprint[:8]}.run"

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{self.fingerprint[:8]}-{epoch:05d}.pt"

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob(f"{self.fingerprint[:8]}-*.pt"), reverse=True)


def _flush(folder: Path) -> None:
    """See that a renaming is on disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
