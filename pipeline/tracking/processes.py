"""Telling whether a process still lives, beyond the reuse of its number."""

from dataclasses import dataclass

import psutil

CLOCK_DRIFT = 2.0
"""Seconds: a start time is counted from the boot, whose clock time may be corrected meanwhile."""


@dataclass(frozen=True)
class Process:
    """A process of this machine, told from later ones with its number by its start.

    Args:
        pid: Its number.
        created: Seconds since the epoch.
    """

    pid: int
    created: float

    @property
    def is_alive(self) -> bool:
        """False as soon as it has ended, also while nobody has asked for its exit status."""
        try:
            process = psutil.Process(self.pid)
            drift = abs(process.create_time() - self.created)
            return drift < CLOCK_DRIFT and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def this_process() -> Process:
    """The process that calls."""
    return _named(psutil.Process())


def find_dvc() -> Process | None:
    """The nearest DVC process that this one runs under, if any.

    Under `dvc exp run --queue` that is the process of the one experiment, not its queue's worker.
    """
    for ancestor in psutil.Process().parents():
        try:
            if _runs_dvc(ancestor.cmdline()):
                return _named(ancestor)
        except psutil.Error:  # it ended meanwhile, or belongs to somebody else
            continue
    return None


def _runs_dvc(command: list[str]) -> bool:
    """Whether `command` is `dvc ...`, `python .../dvc ...` or `python -m dvc ...`."""
    names = [word.rsplit("/", 1)[-1] for word in command[:3]]
    return "dvc" in names[:2] or names[1:] == ["-m", "dvc"]


def _named(process: psutil.Process) -> Process:
    return Process(process.pid, process.create_time())
