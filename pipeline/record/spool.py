"""The spool: what MLflow has not got yet, in a folder of the workspace.

runs/       one folder for each process of a stage:
              run.json     how it began, and how it ended
              live.jsonl   epochs of a training, a line each as they come
              files/       its results as they were at its end
parents/    parent runs that are still open; only the recorder writes here
ends/       how reproductions ended; only the flow that ran one writes here

Each file has one writer, so that none undoes what another has written.
"""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline import disk
from pipeline.record.address import Address, digest
from pipeline.record.reproduction import Process, Reproduction, Status

FOLDER = ".record"

RUN, LIVE, FILES, BEGUN = "run.json", "live.jsonl", "files", "begun"
"""Names in a run's folder."""

CLASSIFIER = "classifier"
"""Among the files of a run that registers a model: the folder with its weights."""


class End(BaseModel):
    """How a stage or a reproduction ended; `ended` in milliseconds since the epoch."""

    status: Status
    ended: int
    error: str | None = None


class Run(BaseModel):
    """One process of a stage.

    Args:
        identity: of its run in MLflow; a training that goes on has that of the killed one.
        stage: as in dvc.yaml.
        process: the stage's.
        address: where it is to be recorded, without a password.
        reproduction: what it is part of; None for a run of its own.
        started: milliseconds since the epoch.
        made: what made its results (`made_by`).
        params: settings, with dotted names.
        meta: what dvc.yaml says of the stage's record.
        tags: device, precision, user, and the like.
        metrics: seconds and memory, known at the end.
        end: None while it works, and for ever if it was killed.
    """

    identity: str
    stage: str
    process: Process
    address: Address
    reproduction: Reproduction | None
    started: int
    made: dict[str, Any]
    params: dict[str, Any]
    meta: dict[str, Any]
    tags: dict[str, str]
    metrics: dict[str, float] = {}
    end: End | None = None


class Parent(BaseModel):
    """A parent run in MLflow that is still RUNNING.

    Args:
        reproduction: whose run it is.
        run: its id in MLflow.
        experiment: that one's id.
        gate: what became of a model that was registered; empty without one.
        stages: the last status of each stage that ended; a retry that succeeds makes good.
        last: when the last stage ended, in milliseconds since the epoch.
    """

    reproduction: Reproduction
    run: str
    experiment: str
    gate: str = ""
    stages: dict[str, Status] = {}
    last: int | None = None

    def ending(self, spool: "Spool") -> tuple[Status, int | None] | None:
        """Status and time of its end; None while the reproduction goes on."""
        is_alive = self.reproduction.process.is_alive
        # Read after that look: a flow that is gone by now has announced its end before.
        if end := spool.find_end(self.reproduction):
            return end.status, end.ended
        if is_alive:
            return None
        if self.reproduction.attempt:  # a flow that vanished without a word was killed
            return "KILLED", self.last
        found = set(self.stages.values())
        worst: tuple[Status, ...] = ("KILLED", "FAILED")
        return next((status for status in worst if status in found), "FINISHED"), self.last


@dataclass(frozen=True)
class Entry:
    """The folder of one run."""

    folder: Path

    def read(self) -> Run:
        """What `run.json` says now."""
        return Run.model_validate_json((self.folder / RUN).read_bytes())

    def write(self, run: Run) -> None:
        """Replace `run.json`."""
        disk.write_text(self.folder / RUN, run.model_dump_json())

    def mark_begun(self) -> None:
        """Remember that MLflow knows the run."""
        (self.folder / BEGUN).touch()

    def has_begun(self) -> bool:
        """Whether MLflow knows the run."""
        return (self.folder / BEGUN).exists()

    def add_live(self, values: dict[str, float], step: int) -> None:
        """Append the metrics of a step; what does not fit on the disk leaves no half a line."""
        path = self.folder / LIVE
        row = {"time": int(time.time() * 1000), "step": step, "values": values}
        line = json.dumps(row).encode() + b"\n"
        with disk.naming(path), path.open("ab", buffering=0) as file:
            if (written := file.write(line)) != len(line):
                file.truncate(file.tell() - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def read_live(self, start: int) -> Iterator[tuple[dict[str, Any], int]]:
        """Each complete line from a byte on, and where it ends."""
        try:
            with (self.folder / LIVE).open("rb") as file:
                file.seek(start)
                for line in file:
                    start += len(line)
                    if line.endswith(b"\n"):  # the last one may still be in the writing
                        yield json.loads(line), start
        except FileNotFoundError:
            return

    def keep(self, path: Path, folder: str = "") -> None:
        """Keep a file, or all that lies in a folder, as it is now: DVC may replace it soon.

        It is hard-linked, which costs nothing; the study writes files anew and never into old ones.
        """
        place = self.folder / FILES / folder
        for source in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = source.relative_to(path if path.is_dir() else path.parent)
            if source.is_file() and not any(part.startswith(".") for part in name.parts):
                target = place / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with disk.naming(target):
                    _link_or_copy(source, target)

    def last_written(self) -> int:
        """When its stage last wrote something, in milliseconds since the epoch."""
        found = [self.folder / name for name in (RUN, LIVE) if (self.folder / name).exists()]
        return int(max(path.stat().st_mtime for path in found) * 1000)

    def remove(self) -> None:
        """Drop it; without its `run.json` a folder is no entry, should this be cut short."""
        (self.folder / RUN).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Spool:
    """The spool of a workspace."""

    root: Path

    @property
    def folder(self) -> Path:
        """Readable by its owner only."""
        folder = self.root / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def log(self) -> Path:
        """What recorders print."""
        return self.folder / "recorder.log"

    def lock(self, address: Address) -> Path:
        """Held by the one recorder that uploads to this address."""
        return self.folder / f"recorder-{address.digest}.lock"

    def trouble(self, address: Address) -> Path:
        """Why the recorder's last attempt failed, in one line; missing while all goes well."""
        return self.folder / f"trouble-{address.digest}.txt"

    def new_entry(self, run: Run) -> Entry:
        """Make the folder of a run that begins; folders sort by the time they were made."""
        entry = Entry(self.folder / "runs" / f"{time.time_ns()}-{run.identity[:8]}")
        entry.write(run)
        return entry

    def entries(self) -> list[tuple[Entry, Run]]:
        """All runs that are not uploaded to their end, oldest first."""
        found = []
        for path in sorted((self.folder / "runs").glob(f"*/{RUN}")):
            try:
                entry = Entry(path.parent)
                found.append((entry, entry.read()))
            except FileNotFoundError:  # uploaded meanwhile
                continue
        return found

    def parents(self, address: Address) -> list[Parent]:
        """The open parent runs of an address."""
        files = (self.folder / "parents").glob(f"{address.digest}-*.json")
        return [Parent.model_validate_json(file.read_bytes()) for file in files]

    def find_parent(self, address: Address, key: str) -> Parent | None:
        """The open parent run of a reproduction."""
        try:
            return Parent.model_validate_json(self._parent(address, key).read_bytes())
        except FileNotFoundError:
            return None

    def write_parent(self, address: Address, parent: Parent) -> None:
        """Note that a parent run is open, or what came of its stages."""
        path = self._parent(address, parent.reproduction.key)
        disk.write_text(path, parent.model_dump_json())

    def drop_parent(self, address: Address, parent: Parent) -> None:
        """Forget a parent run that is closed, and the end that was announced for it."""
        self._parent(address, parent.reproduction.key).unlink(missing_ok=True)
        self._end(parent.reproduction).unlink(missing_ok=True)

    def announce_end(self, reproduction: Reproduction, end: End) -> None:
        """Say how a reproduction ended."""
        disk.write_text(self._end(reproduction), end.model_dump_json())

    def find_end(self, reproduction: Reproduction) -> End | None:
        """How a reproduction ended, if its flow has said it."""
        try:
            return End.model_validate_json(self._end(reproduction).read_bytes())
        except FileNotFoundError:
            return None

    def ends(self) -> list[Path]:
        """The files of all announced ends."""
        return list((self.folder / "ends").glob("*.json"))

    def _parent(self, address: Address, key: str) -> Path:
        return self.folder / "parents" / f"{address.digest}-{digest(key)}.json"

    def _end(self, reproduction: Reproduction) -> Path:
        # Of one attempt: a flow that begins anew under its key has not ended with the former one.
        return self.folder / "ends" / f"{digest(f'{reproduction.key} {reproduction.attempt}')}.json"


def _link_or_copy(source: Path, target: Path) -> None:
    original = source.resolve(strict=True)  # DVC may link an output into its cache
    target.unlink(missing_ok=True)
    try:
        os.link(original, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(original, target)
