"""The spool: what MLflow has not got yet, in a folder of the workspace.

runs/       one folder for each process of a stage:
              run.json     how it began, and how it ended
              live.jsonl   epochs of a training, a line each as they come
              files/       its results as they were at its end
parents/    parent runs that are still open; only the recorder writes here
ends/       how reproductions ended; only the flow that ran one writes here

Each file has one writer, so that none undoes what another has written. Times are milliseconds since
the epoch.
"""

import json
import logging
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from pipeline import disk
from pipeline.record.address import Address, digest
from pipeline.record.reproduction import Process, Reproduction, Status

FOLDER = ".record"

RUN, LIVE, FILES, BEGUN = "run.json", "live.jsonl", "files", "begun"
"""Names in a run's folder; the last one is there once MLflow knows the run."""

CLASSIFIER = "classifier"
"""Among the files of a run that registers a model: the folder with its weights."""

Content = TypeVar("Content", bound=BaseModel)

logger = logging.getLogger(__name__)


class End(BaseModel):
    """How a stage or a reproduction ended."""

    status: Status
    ended: int
    error: str | None = None


class Run(BaseModel):
    """One process of a stage.

    Args:
        identity: of its run in MLflow; a training that goes on has that of the killed one.
        stage: as in dvc.yaml.
        process: the stage's.
        address: where it is to be recorded.
        reproduction: what it is part of; None for a run of its own.
        started: when.
        made: what makes its results (`made_by.describe`).
        params: settings, with dotted names.
        meta: what dvc.yaml says of the stage's record (`pipeline.dvc_yaml`).
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
    params: dict[str, str]
    meta: dict[str, Any]
    tags: dict[str, str]
    metrics: dict[str, float] = {}
    end: End | None = None

    @property
    def key(self) -> str:
        """Of the reproduction; empty for a run of its own."""
        return self.reproduction.key if self.reproduction else ""


class Parent(BaseModel):
    """A parent run in MLflow that is still RUNNING.

    Args:
        reproduction: whose run it is.
        run: its id in MLflow.
        experiment: that one's id.
        gate: what became of a model that was registered; empty without one.
        stages: the last status of each stage that ended; a retry that succeeds makes good.
        last: when the last stage ended.
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
        if announced := read(End, spool.end(self.reproduction)):
            return announced.status, announced.ended
        if is_alive:
            return None
        if self.reproduction.attempt:  # a flow that vanished without a word was killed
            return "KILLED", self.last
        worst: tuple[Status, ...] = ("KILLED", "FAILED", "FINISHED")
        return min(self.stages.values(), key=worst.index, default="FINISHED"), self.last


@dataclass(frozen=True)
class Entry:
    """The folder of one run, and what its `run.json` says."""

    folder: Path
    run: Run

    def reread(self) -> "Entry":
        """As it is on disk now."""
        return Entry(self.folder, Run.model_validate_json((self.folder / RUN).read_bytes()))

    def write(self) -> None:
        """Replace `run.json`."""
        disk.write_text(self.folder / RUN, self.run.model_dump_json())

    def read_live(self, start: int) -> list[dict[str, Any]]:
        """The lines of `live.jsonl` behind so many; the last one may still be in the writing.

        One that cannot be read, after a power cut, has no values.
        """
        path = self.folder / LIVE
        lines = path.read_bytes().split(b"\n")[start:-1] if path.exists() else []
        rows = []
        for line in lines:
            try:
                rows.append(json.loads(line))
            except ValueError:
                logger.warning("%s: a line is damaged, and left out", path)
                rows.append({"values": {}})
        return rows

    @property
    def ended(self) -> int:
        """When its stage ended, or last wrote something if it has vanished."""
        if self.run.end:
            return self.run.end.ended
        found = [path for path in (self.folder / RUN, self.folder / LIVE) if path.exists()]
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

    def lock(self, address: Address) -> Path:
        """Held by the one recorder that uploads to this address."""
        return self.folder / f"recorder-{address.digest}.lock"

    def trouble(self, address: Address) -> Path:
        """Why the recorder's last attempt failed, in one line; missing while all goes well."""
        return self.folder / f"trouble-{address.digest}.txt"

    def add(self, run: Run) -> Entry:
        """Make the folder of a run that begins; folders sort by the time they were made."""
        entry = Entry(self.folder / "runs" / f"{time.time_ns()}-{run.identity[:8]}", run)
        entry.write()
        return entry

    def entries(self, address: Address | None = None, key: str | None = None) -> list[Entry]:
        """The runs that MLflow has not got to their end, oldest first.

        Args:
            address: only those that go there.
            key: only those of this reproduction.
        """
        files = sorted((self.folder / "runs").glob(f"*/{RUN}"))
        found = [Entry(path.parent, run) for path in files if (run := read(Run, path))]
        return [
            entry
            for entry in found
            if address in (None, entry.run.address) and key in (None, entry.run.key)
        ]

    def parents(self, address: Address | None = None, key: str | None = None) -> list[Parent]:
        """The parent runs that are open, likewise."""
        wanted = f"{address.digest if address else '*'}-{digest(key) if key else '*'}.json"
        files = (self.folder / "parents").glob(wanted)
        return [parent for path in files if (parent := read(Parent, path))]

    def parent_file(self, address: Address, key: str) -> Path:
        """What the recorder knows of a reproduction's parent run, while that is open."""
        return self.folder / "parents" / f"{address.digest}-{digest(key)}.json"

    def has_work(self, address: Address) -> bool:
        """Whether runs or open parent runs of this address are left."""
        return bool(self.entries(address) or self.parents(address))

    def end(self, reproduction: Reproduction) -> Path:
        """The file in which a flow announces its end.

        It is that of one attempt: who begins anew has not ended with the former one.
        """
        return self.folder / "ends" / f"{digest(f'{reproduction.key} {reproduction.attempt}')}.json"


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


def read(kind: type[Content], path: Path) -> Content | None:
    """What a file holds; None if it is not there, or no more.

    One that cannot be read, after a power cut or by another version, is set aside and named.
    """
    with suppress(FileNotFoundError):
        try:
            return kind.model_validate_json(path.read_bytes())
        except ValueError as error:
            aside = path.rename(path.with_name(f"{path.name}.damaged"))
            logger.warning("%s: not a record, set aside: %s", aside, " ".join(str(error).split()))
    return None
