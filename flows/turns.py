"""Two flows that are asked for at once on one workspace take turns.

Prefect's work pool sees to that between its workers; a flow by hand has a server of its own and
knows no pool. The kernel opens the lock of a flow that was killed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def take_turns(root: Path, log: Callable[[str], None], *, wanted: bool = True) -> Iterator[None]:
    """Hold the workspace while a flow works on it.

    Args:
        root: The project's folder.
        log: Gets one line if it has to wait.
        wanted: False for a flow that works elsewhere.
    """
    if not wanted:
        yield
        return
    lock = FileLock(root / ".dvc" / "tmp" / "study.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log("another flow works on this workspace: waits for its turn")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
