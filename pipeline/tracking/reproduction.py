"""Which reproduction a stage belongs to: the parent run that its own run is nested in.

A flow says where its reproduction begins and ends. Elsewhere that follows from how DVC was called:
an experiment is known by its revision and name, a plain `dvc repro` by its process.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

from pipeline.tracking import declaration, places, processes
from pipeline.tracking.declaration import Status
from pipeline.tracking.places import Desk
from pipeline.tracking.processes import Process
from pipeline.tracking.summon import summon

KEY = "STUDY_REPRODUCTION"
"""Environment variable: the reproduction that every stage started from here belongs to."""

GROUP = "STUDY_GROUP"
"""Environment variable: the run that this reproduction is one of many of, such as a grid."""


@dataclass(frozen=True)
class Reproduction:
    """A parent run in the making.

    Args:
        key: Tells it from all others.
        name: What people read.
        watch: The process it lives in; when that is gone, the reproduction is over.
        group: The identity of the run that its own run is nested in; empty for none.
    """

    key: str
    name: str
    watch: Process
    group: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Reproduction":
        """Build it again from what `dataclasses.asdict` gave."""
        watch, group = Process(**values["watch"]), values.get("group", "")
        return cls(values["key"], values["name"], watch, group)


def current_reproduction(desk: Desk, stage: str) -> Reproduction:
    """The reproduction that a stage of this process belongs to."""
    dvc = processes.find_dvc()
    watch = dvc or processes.this_process()
    if key := os.environ.get(KEY):
        group = os.environ.get(GROUP, "")
        if declared := declaration.find(desk, key):
            return Reproduction(key, declared.name, declared.flow, group)
        return Reproduction(key, key, watch, group)
    if experiment := os.environ.get("DVC_EXP_NAME"):
        revision = os.environ.get("DVC_EXP_BASELINE_REV", "")
        return Reproduction(f"{revision}:{experiment}", experiment, watch)
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(watch.created))
    name = f"{'repro' if dvc else stage} {started}"
    return Reproduction(f"{watch.pid}:{watch.created}", name, watch)


def begin_reproduction(name: str, key: str | None = None) -> str:
    """Say that this process begins a reproduction.

    The parent run appears with the first stage that really runs. If this process vanishes without
    `end_reproduction`, the parent run is marked KILLED.

    Args:
        name: The parent run's name.
        key: Something of the caller's that tells this reproduction from all others; the same key
            later goes on in the same parent run. Made up if missing.

    Returns:
        The key, to be set as `STUDY_REPRODUCTION` in the environment of every stage.
    """
    key = key or os.urandom(16).hex()
    if not places.is_off():
        declaration.declare(Desk(places.find_root()), key, name)
    return key


def end_reproduction(key: str, status: Status) -> None:
    """Say that a reproduction is over; its parent run is closed once all stages are shipped."""
    if places.is_off():
        return
    desk = Desk(places.find_root())
    declaration.declare_end(desk, key, status)
    summon(desk, places.find_address(desk.root))
