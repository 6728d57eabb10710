"""A process with all that it starts: nothing of it goes on when its end is wanted."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

GRACE = 10.0
"""Seconds that processes get to end by themselves: a training for its last checkpoint, DVC to
remove its copy of the workspace."""

INTERRUPTED = 3.0
"""Seconds before a stage gets SIGTERM after a Ctrl-C, which has reached it already."""


@contextmanager
def start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process whose output the block reads; ended with its family if the block raises.

    It stays in the caller's process group: whoever ends that group, as Prefect and a Ctrl-C do,
    ends it too. It inherits no variable besides those of `environment`.
    """
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        except BaseException as reason:
            # A process cannot end while it waits for room in its pipe.
            threading.Thread(target=_read_on, args=[process], daemon=True).start()
            with _without_second_interrupt():
                patience = INTERRUPTED if isinstance(reason, KeyboardInterrupt) else 0.0
                end_families([process], children_first=True, patience=patience)
            raise


def end_families(
    leaders: "Sequence[subprocess.Popen[bytes]]",
    *,
    children_first: bool,
    patience: float = 0.0,
    grace: float = GRACE,
) -> None:
    """End processes with all that they have started.

    Args:
        leaders: the processes.
        children_first: send SIGTERM to what they have started: DVC passes no signal on to its
            stage, but ends after it and tidies up. Otherwise to them, and they end the others.
        patience: seconds before the signal.
        grace: seconds after it until what is left is killed.
    """
    children = _members(leaders)
    psutil.wait_procs(children, patience)
    for process in children if children_first else leaders:
        with suppress(psutil.Error, ProcessLookupError):
            process.terminate()
    psutil.wait_procs(children, grace if children_first else 0)
    for leader in leaders:
        with suppress(subprocess.TimeoutExpired):
            leader.wait(grace)
    for survivor in {*children, *_members(leaders)}:
        with suppress(psutil.Error):
            survivor.kill()
    for leader in leaders:
        leader.kill()
        leader.wait()


def _members(leaders: "Sequence[subprocess.Popen[bytes]]") -> list[psutil.Process]:
    """What they have started, and the others of process groups that they lead or have led."""
    groups = {leader.pid for leader in leaders}
    found = []
    for leader in leaders:
        with suppress(psutil.Error):
            found += psutil.Process(leader.pid).children(recursive=True)
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):
            if process.pid not in groups and os.getpgid(process.pid) in groups:
                found.append(process)
    return found


def _read_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    with suppress(OSError, ValueError):  # closed meanwhile
        while os.read(process.stdout.fileno(), 2**16):
            pass


@contextmanager
def _without_second_interrupt() -> Iterator[None]:
    """Ignore Ctrl-C, which would leave processes behind, in a program's main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
