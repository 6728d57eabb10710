"""What another busy process on the same cores takes from a training, by how threads wait.

    python benchmarks/beside.py [--rounds 3]

A training of two threads waits at the end of each parallel loop for the slower one. Spinning
meanwhile (`active`, OpenMP's default) burns the time that the other process could have used, and
the scheduler takes it back in the middle of a loop; sleeping (`passive`) gives it away at once.
Each round trains in every policy, alone and beside one busy process, in turn; medians count.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measured import Measured, report

POLICIES = ("active", "passive")

TRAIN = """
import time, torch
from steps import build, random_faces, trainer
from pipeline.params import load
from pipeline.training.compute import choose
settings = load().train.cnn
compute = choose(settings)
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
    alone: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    beside: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    for _ in range(chosen.rounds):
        for policy in POLICIES:
            alone[policy].append(faces_per_second(policy))
            with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
                time.sleep(0.2)
                beside[policy].append(faces_per_second(policy))
                busy.kill()
    rows = []
    for policy in POLICIES:
        speed = statistics.median(alone[policy])
        share = statistics.median(beside[policy]) / speed
        goal = ">= 0.6" if policy == "passive" else ""
        rows += [
            Measured(f"train_faces_per_second_{policy}", speed, "faces/s", "", "alone"),
            Measured(f"train_beside_busy_{policy}", share, "", goal, "share of its speed alone"),
        ]
    ratio = rows[2].value / rows[0].value
    rows.append(Measured("passive_against_active", ratio, "", ">= 0.97", "speed alone"))
    report(rows)


def faces_per_second(policy: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], check=True, capture_output=True, text=True,
        env=os.environ | {"OMP_WAIT_POLICY": policy, "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    return float(done.stdout)


if __name__ == "__main__":
    main()
