"""What another busy process on the same cores takes from a training, by how threads wait.

    python benchmarks/beside.py [--rounds 3]

A training of two threads waits at the end of each parallel loop for the slower one. Spinning
meanwhile (`spinning`) burns the time that the other process could have used, and the scheduler
takes it back in the middle of a loop; sleeping at once (`sleeping`) makes each loop pay for being
woken. `brief` spins for some microseconds and then sleeps. `chosen` is what stages do: sleep where
another process is busy as they start, and spin briefly where none is. Each round trains in every
way, alone and beside one busy process, in turn; medians count.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measured import Measured, report

from pipeline.wait_policy import SLEEP, SPIN_BRIEFLY

WAYS = {
    "spinning": {"OMP_WAIT_POLICY": "active"},
    "sleeping": SLEEP,
    "brief": SPIN_BRIEFLY,
    "chosen": {},
}
"""How threads wait, as the environment tells OpenMP."""

TRAIN = """
from pipeline.wait_policy import choose_wait_policy
choose_wait_policy()
import time, torch
from steps import build, random_faces, trainer
from pipeline.params import load
from pipeline.training.device import choose_compute
settings = load().train.cnn
compute = choose_compute(load().machine)
faces = random_faces(STEPS * settings.batch, compute.device)
train = trainer(build(settings, compute), faces, settings, compute)
train()
started = time.perf_counter()
train()
print(STEPS * settings.batch / (time.perf_counter() - started))
""".replace("STEPS", "40")

BUSY = "while True: pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    # For the busy one to be in the way.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    alone: dict[str, list[float]] = {way: [] for way in WAYS}
    beside: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(chosen.rounds):
        for way in WAYS:
            alone[way].append(faces_per_second(way))
            with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
                try:
                    time.sleep(0.2)
                    beside[way].append(faces_per_second(way))
                finally:
                    busy.kill()
    rows = []
    for way in WAYS:
        speed = statistics.median(alone[way])
        share = statistics.median(beside[way]) / speed
        goal = ">= 0.6" if way == "chosen" else ""
        rows += [
            Measured(f"train_faces_per_second_{way}", speed, "faces/s", "", "alone"),
            Measured(f"train_beside_busy_{way}", share, "", goal, "share of its speed alone"),
        ]
    ratio = rows[6].value / rows[0].value
    rows.append(Measured("chosen_against_spinning", ratio, "", ">= 0.97", "speed alone"))
    report(rows)


def faces_per_second(way: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], check=True, capture_output=True, text=True,
        env=os.environ | WAYS[way] | {"PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    return float(done.stdout)


if __name__ == "__main__":
    main()
