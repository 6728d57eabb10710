"""Several programs that live and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from pipeline.priority import give_way

GRACE = 40.0
"""Seconds that a program gets to end by itself; Prefect's worker gives its flow runs 30."""


ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that end all: somebody's, a Ctrl-C, a terminal that was closed."""


@dataclass(frozen=True)
class Program:
    """A program to run.

    Args:
        name: For messages.
        command: Its words; the first is a program.
        environment: Variables beyond this process's.
        gives_way: To trainings on this machine. Not for what starts them: they inherit it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    gives_way: bool = False


class Stopped(Exception):  # noqa: N818 (no error: somebody asked for it)
    """A signal told this process to end."""


def supervise(programs: Sequence[Program]) -> int:
    """Run programs until one ends or this process is told to; then end all of them.

    Each has a process group of its own: a Ctrl-C reaches it only from here, and what is left of
    its group is killed at the end. Prefect's workers put flow runs in groups of their own, and end
    them themselves.

    Returns:
        An exit status: 0 after a signal, 1 if a program ended by itself.
    """
    for number in ENDS:
        signal.signal(number, _stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for program in programs:
            running[program.name] = subprocess.Popen(
                program.command,
                env={**os.environ, **program.environment},
                start_new_session=True,
            )
            if program.gives_way:
                give_way(running[program.name].pid)
        while True:
            for name, process in running.items():
                if process.poll() is not None:
                    print(f"{name} ended with status {process.returncode}", file=sys.stderr)
                    return 1
            time.sleep(0.5)
    except Stopped:
        return 0
    finally:
        for number in ENDS:
            signal.signal(number, signal.SIG_IGN)
        _end(running.values())


def _end(processes: "Collection[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
