"""How the threads of a training wait for one another.

At the end of each parallel loop the threads wait for the slowest. To spin meanwhile is fastest
where every thread has a core of its own, and the worst where another process wants the core: the
scheduler takes back in the middle of a loop what spinning burnt. To sleep at once keeps most of the
speed beside another process and costs a fifth of it alone (benchmarks/beside.py). OpenMP reads the
choice once, before torch is loaded, so it is made by what the cores do once a stage has its turn.
"""

import os
import time
from pathlib import Path

SECONDS = 0.05
"""For which the cores are watched: five ticks of the kernel's clock each."""

STAT = Path("/proc/stat")

SPIN_BRIEFLY = {"GOMP_SPINCOUNT": "10000"}
SLEEP = {"OMP_WAIT_POLICY": "passive"}


def choose_wait_policy() -> None:
    """Set how OpenMP's threads wait, in this process's environment; a user's own choice stays."""
    if not {*SPIN_BRIEFLY, *SLEEP} & os.environ.keys():
        os.environ.update(SLEEP if others_are_at_work() else SPIN_BRIEFLY)


def others_are_at_work() -> bool:
    """Whether other processes keep busy at least half of a core that this one may use.

    Those of low priority do not count: they get a tenth of a core that somebody else wants. False
    where nothing is known of the cores, as there is no /proc.
    """
    before = _seconds_by_core()
    time.sleep(SECONDS)
    return sum(after - before.get(core, after) for core, after in _seconds_by_core().items()) > (
        SECONDS / 2
    )


def _seconds_by_core() -> dict[str, float]:
    """Seconds of work of each core that this process may use, since the machine started."""
    try:
        mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        lines = [line.split() for line in STAT.read_text("ascii").splitlines()]
    except (AttributeError, OSError):
        return {}
    tick = 1 / os.sysconf("SC_CLK_TCK")
    # All but nice (1), idle (3) and iowait (4): user, system, irq, softirq, steal.
    return {
        name: sum(int(times[at]) for at in (0, 2, 5, 6, 7)) * tick
        for name, *times in lines
        if name in mine
    }
