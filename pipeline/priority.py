"""What serves and records gives way to what trains on the same machine."""

import os
import time
from pathlib import Path

NICE = 10
"""A tenth of a processor is left to such a process where trainings want all of them."""

TRIES, BETWEEN_TRIES = 3, 0.15
"""Linux takes such a change from a user every tenth of a second, and refuses others."""


def give_way(process: int = 0) -> None:
    """Lower the priority of a process and of all that it will start.

    Where Linux weighs sessions against one another (sched_autogroup), a process that leads a
    session is nice to nobody outside it, whatever its own number says; the session has another.

    Args:
        process: its number; 0 for this one.
    """
    # Whoever is nicer already may not become less so.
    nice = max(NICE, os.getpriority(os.PRIO_PROCESS, process))
    os.setpriority(os.PRIO_PROCESS, process, nice)
    session = Path("/proc", str(process or "self"), "autogroup")
    for _ in range(TRIES):
        try:
            session.write_text(str(nice), encoding="ascii")
        except BlockingIOError:
            time.sleep(BETWEEN_TRIES)
        except OSError:  # not Linux, or not allowed
            return
        else:
            return
