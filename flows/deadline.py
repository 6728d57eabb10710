"""A limit of time for DVC and the stages it runs.

Prefect's own timeouts do not interrupt a task that waits for another process.
"""

import subprocess
import threading
from contextlib import suppress
from types import TracebackType

import psutil

GRACE = 10.0
"""Seconds that a stage gets for its last checkpoint."""


class Deadline:
    """Ends a process's children, then the process, once it has had its time.

    Args:
        process: DVC; its children are the stage, which is told first.
        seconds: From now, or from the last `restart`; None for no limit.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float | None) -> None:
        self.passed = False
        self._process, self._seconds = process, seconds
        self._timer: threading.Timer | None = None

    def restart(self) -> None:
        """Count from now on."""
        self._cancel()
        if self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> "Deadline":
        self.restart()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._cancel()

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        end_family(self._process.pid)


def end_family(pid: int, grace: float = GRACE) -> None:
    """Tell all children of a process to end, then the process; kill what is left."""
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        children = parent.children(recursive=True)
        for child in children:
            with suppress(psutil.Error):
                child.terminate()
        psutil.wait_procs(children, timeout=grace)
        psutil.wait_procs([parent], timeout=grace)  # DVC fails with its stage, and tidies up
        for survivor in (*children, *parent.children(recursive=True), parent):
            with suppress(psutil.Error):
                survivor.kill()
