"""What a flow said about its reproduction: where it begins, and how it ended.

The flow and the recorders write to one file. Each holds a lock from reading to writing, so that
none undoes what another has said meanwhile.
"""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline import disk
from pipeline.tracking import places, processes
from pipeline.tracking.places import Desk
from pipeline.tracking.processes import Process

Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Declaration:
    """One reproduction that is declared by the process that runs it.

    Args:
        key: Tells it from all others.
        name: What people read.
        flow: The process that declared it.
        status: How it ended, once that was said.
        ended: When, in milliseconds since the epoch.
        notes: What the recorder tells the flow: its parent run in MLflow, what became of a model.
    """

    key: str
    name: str
    flow: Process
    status: Status | None = None
    ended: int | None = None
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether its end was said, or nobody is left to say it."""
        return self.status is not None or not self.flow.is_alive


def declare(desk: Desk, key: str, name: str) -> None:
    """Say that this process begins a reproduction, or goes on with one."""
    with _lock(desk):
        _write(desk, Declaration(key, name, processes.this_process()))


def declare_end(desk: Desk, key: str, status: Status) -> None:
    """Say how a reproduction ended."""
    with _lock(desk):
        known = find(desk, key) or Declaration(key, key, processes.this_process())
        _write(desk, replace(known, status=status, ended=int(time.time() * 1000)))


def note(desk: Desk, key: str, **notes: str) -> None:
    """Tell the flow that declared a reproduction, if one did."""
    with _lock(desk):
        known = find(desk, key)
        if known and known.notes != {**known.notes, **notes}:
            _write(desk, replace(known, notes={**known.notes, **notes}))


def find(desk: Desk, key: str) -> Declaration | None:
    """What was declared under a key."""
    try:
        return _read(_file(desk, key))
    except FileNotFoundError:
        return None


def over(desk: Desk) -> Iterator[Declaration]:
    """The declared reproductions that are over."""
    for file in desk.reproductions.glob("*.json"):
        declaration = _read(file)
        if declaration.is_over:
            yield declaration


def forget(desk: Desk, key: str) -> None:
    """Drop what was declared about a reproduction, unless that has begun anew."""
    with _lock(desk):
        known = find(desk, key)
        if known and known.is_over:
            _file(desk, key).unlink()


def _lock(desk: Desk) -> AbstractContextManager[object]:
    from filelock import FileLock  # 40 ms, which `import journal` shall not cost

    return FileLock(desk.reproductions / "lock")


def _file(desk: Desk, key: str) -> Path:
    return desk.reproductions / f"{places.digest(key)}.json"


def _write(desk: Desk, declaration: Declaration) -> None:
    disk.write_text(_file(desk, declaration.key), json.dumps(asdict(declaration)))


def _read(file: Path) -> Declaration:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return Declaration(**{**values, "flow": Process(**values["flow"])})
