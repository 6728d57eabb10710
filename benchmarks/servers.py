"""What idle servers and workers take from a training on the same cores.

    python benchmarks/servers.py [--turns 24] [--seconds 5]

The default CNN trains in this process while the servers and workers of `make server` and
`make worker` are stopped and continued in turns, by signals. Neighbouring turns are compared: two
trainings minutes apart differ by more than what is measured here. What they put off while stopped
they do once continued, and it counts. Needs the ports 14300 and 15300.
"""

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from measured import Measured, report

sys.path.insert(0, str(Path(__file__).parents[1]))

from orchestration import orchestration
from steps import build, random_faces, trainer

from pipeline.params import load
from pipeline.training.device import choose_compute
from tests.project import TINY, clone_project

SETTLE = 15.0
"""Seconds after which servers and workers are idle."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=24, help="of each kind")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a turn")
    chosen = parser.parse_args()
    step = make_step()
    step()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        orchestration(clone_project(Path(folder) / "project", TINY)) as started,
    ):
        time.sleep(SETTLE)
        family = [process for pid in started for process in with_children(pid)]
        pairs, busy = compare(step, family, chosen.turns, chosen.seconds)
    slower = [without / beside - 1 for without, beside in pairs]
    error = statistics.stdev(slower) / len(slower) ** 0.5
    note = f"standard error {error:.3f} of {len(slower)} pairs"
    report(
        [
            Measured("servers_slow_training_by", statistics.fmean(slower), "", "", note),
            Measured("servers_share_of_a_core", busy / (chosen.turns * chosen.seconds)),
        ]
    )


def make_step() -> Callable[[], None]:
    """A training step of the default CNN."""
    settings = load().train.cnn
    compute = choose_compute(load().machine)
    network = build(settings, compute)
    return trainer(network, random_faces(settings.batch, compute.device), settings, compute)


def with_children(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def compare(
    step: Callable[[], None], family: list[psutil.Process], turns: int, seconds: float
) -> tuple[list[tuple[float, float]], float]:
    """Steps a second without and beside the others, and the processor seconds these took.

    The order within a pair changes, so that a machine that gets slower favours neither.
    """
    pairs, busy = [], 0.0
    try:
        for turn in range(turns):
            speeds = {}
            for runs in (True, False) if turn % 2 else (False, True):
                signal_all(family, signal.SIGCONT if runs else signal.SIGSTOP)
                before = spent(family)
                speeds[runs] = speed(step, seconds)
                busy += spent(family) - before
            pairs.append((speeds[False], speeds[True]))
    finally:
        signal_all(family, signal.SIGCONT)
    return pairs, busy


def signal_all(family: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that is still there: one left stopped would not end when told to."""
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def spent(family: list[psutil.Process]) -> float:
    """Processor seconds so far."""
    return sum(sum(process.cpu_times()[:2]) for process in family)


def speed(step: Callable[[], None], seconds: float) -> float:
    """Steps a second."""
    steps, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        step()
        steps += 1
    return steps / passed


if __name__ == "__main__":
    main()
