"""Programs that run until one of them ends or this process gets a signal, and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.driver.process_family import end_families
from pipeline.priority import give_way

GRACE = 40.0
"""Seconds that a program gets to end by itself; Prefect's worker gives its flow runs 30."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends all; the last comes from a terminal that is closed."""


@dataclass(frozen=True)
class Program:
    """A program to run.

    Args:
        name: for messages.
        command: its words; the first is a program.
        environment: variables beyond this process's.
        gives_way: to trainings on this machine. Not for what starts them: they inherit it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    gives_way: bool = False


def run_together(programs: Sequence[Program]) -> int:
    """Run programs until one ends or this process gets a signal; then end all of them.

    Each has a process group of its own, so that a Ctrl-C reaches it only from here. Prefect's
    workers put flow runs in groups of their own, and end them themselves.

    Returns:
        The exit status if a program ended by itself, 1.

    Raises:
        SystemExit: after a signal, with the exit status 0.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))
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
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        end_families(list(running.values()), children_first=False, grace=GRACE)
