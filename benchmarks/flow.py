"""What the Prefect flow costs beside plain `dvc repro`, on the whole study.

    python benchmarks/flow.py [--faces N]

Three ways of running the same stages, from nothing and with everything up to date (the best of
three counts): plain `dvc repro`, the flow by hand (which brings a server of its own), and the flow
asked of a server that runs, with the seconds from asking to its first stage. Parameters are tiny.
With `--faces` they are those of params.yaml but for the number of sample faces: what a flow costs
is a share of what it runs, and 3600 is the study as it is committed. The flow by hand is left out
then, and one that is up to date runs once. Needs the ports 14300 and 15300.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from timeit import repeat

from measured import Measured, report

sys.path.insert(0, str(Path(__file__).parents[1]))

from orchestration import API, orchestration

from pipeline.markdown import table
from tests.project import TINY, clone_project

TURNS = 4
"""The first from nothing, the others up to date."""

WORKER = "flow of a worker"

LONGEST = 6 * 3600
"""Seconds that a command may take: a slow machine, many faces."""


def main() -> None:
    """Measure and print one row a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, help="of the sample, with the committed parameters")
    faces = parser.parse_args().faces
    changes = {"sample": {"faces": faces}} if faces else TINY
    commands: dict[str, tuple[str, ...]] = {"dvc repro": ("dvc", "repro")}
    if not faces:
        commands["flow by hand"] = (sys.executable, "-m", "flows.study")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the record goes on
        ways = {
            name: clone_project(Path(folder) / name.replace(" ", "-"), changes)
            for name in (*commands, WORKER)
        }
        seconds: dict[str, Sequence[float]] = {
            name: repeat(partial(ways[name].run, *words, seconds=LONGEST), number=1, repeat=TURNS)
            for name, words in commands.items()
        }
        os.environ["PREFECT_API_URL"] = API
        with orchestration(ways[WORKER]):
            runs = [ask() for _ in range(2 if faces else TURNS)]
        seconds[WORKER], starts = zip(*runs, strict=True)
        stages = len(ways["dvc repro"].stages())
    whole, (plain, *again) = seconds[WORKER][0], seconds["dvc repro"]
    study = f"a study of {faces} faces" if faces else "a tiny study"
    note = f"{whole:.0f} s against {plain:.0f} s of dvc repro, {stages} stages of {study}"
    report(
        [
            Measured("flow_overhead", whole / plain - 1, "", "<= 0.1", note),
            Measured("flow_overhead_a_stage", (whole - plain) / stages, "s"),
            Measured("flow_start", max(starts), "s", "", "until the flow starts, the longest"),
            Measured("noop_repro_seconds", min(again), "s", "<= 3", "the best of three"),
        ]
    )
    head = ("way", "from nothing, s", "up to date, s", "beyond `dvc repro`, s a stage")
    rows = (
        (name, f"{first:.1f}", f"{min(again):.1f}",
         f"{(first - plain) / stages:+.2f} ({first / plain - 1:+.0%})")
        for name, (first, *again) in seconds.items()
    )  # fmt: skip
    print(table(head, rows))
    print("from asking to the flow's start, s:", ", ".join(f"{start:.1f}" for start in starts))


def ask() -> tuple[float, float]:
    """Seconds that a flow run took from asking to its end, and to its start."""
    from prefect.deployments import run_deployment

    # Each look takes from the trainings what the server needs to answer.
    run = run_deployment("study/by-hand", poll_interval=5, as_subflow=False)
    if not run.state.is_completed():
        raise SystemExit(json.dumps(run.state.message))
    return (
        (run.end_time - run.created).total_seconds(),
        (run.start_time - run.created).total_seconds(),
    )


if __name__ == "__main__":
    main()
