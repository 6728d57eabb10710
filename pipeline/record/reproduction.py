"""Which reproduction a stage belongs to: the parent run that its own run is nested in.

A flow passes its reproduction on in the environment. Elsewhere it follows from how DVC was called:
an experiment is known by its revision and name, a plain `dvc repro` by its process.
"""

import os
import time
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict

KEY = "STUDY_REPRODUCTION"
"""Environment variable: the reproduction that every stage started from here belongs to."""

CLOCK_DRIFT = 2.0
"""Seconds: a start time is counted from the boot, whose clock time may be corrected meanwhile."""

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Process(BaseModel):
    """A process of this machine, distinguished from later ones with its number by its start.

    Args:
        pid: its number.
        created: seconds since the epoch.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float

    @classmethod
    def of(cls, process: psutil.Process) -> "Process":
        """As psutil knows it."""
        return cls(pid=process.pid, created=process.create_time())

    @property
    def is_alive(self) -> bool:
        """False as soon as it has ended, also while its exit status was not asked for yet."""
        try:
            process = psutil.Process(self.pid)
            drift = abs(process.create_time() - self.created)
            return drift < CLOCK_DRIFT and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class Reproduction(BaseModel):
    """A parent run to be.

    Args:
        key: identifies it; the same key later goes on in the same parent run.
        name: what people read.
        process: the process it lives in; when that is gone, the reproduction is over.
        attempt: identifies one try of a flow, which announces its end; empty where no flow does.
        group: the run that the parent run is nested in, such as a grid's; empty for none.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    process: Process
    attempt: str = ""
    group: str = ""


def current_reproduction(stage: str) -> Reproduction:
    """The reproduction that a stage of this process belongs to."""
    if passed_on := os.environ.get(KEY):
        return Reproduction.model_validate_json(passed_on)
    dvc = _find_dvc()
    process = Process.of(dvc or psutil.Process())
    if experiment := os.environ.get("DVC_EXP_NAME"):
        key = f"{os.environ.get('DVC_EXP_BASELINE_REV', '')}:{experiment}"
        return Reproduction(key=key, name=experiment, process=process)
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(process.created))
    name = f"{'repro' if dvc else stage} {started}"
    return Reproduction(key=f"{process.pid}:{process.created}", name=name, process=process)


def _find_dvc() -> psutil.Process | None:
    """The nearest DVC process that this one runs under, if any.

    Under `dvc exp run --queue` that is the process of the one experiment, not its queue's worker.
    """
    for ancestor in psutil.Process().parents():
        try:
            if _runs_dvc(ancestor.cmdline()):
                return ancestor
        except psutil.Error:  # it ended meanwhile, or belongs to another user
            continue
    return None


def _runs_dvc(command: list[str]) -> bool:
    """Whether `command` is `dvc ...`, `python .../dvc ...` or `python -m dvc ...`."""
    names = [word.rsplit("/", 1)[-1] for word in command[:3]]
    return "dvc" in names[:2] or names[1:] == ["-m", "dvc"]
