"""What runs at the same time shares the cores by design: real trainings, asked for at once."""

import os
import subprocess
import sys
from itertools import groupby

import pytest

from pipeline import compute_slot

from .project import TINY, clone_project

pytestmark = pytest.mark.study

LONGER = {"train": {"cnn": {"network": "leaky-cnn", "epochs": 1}, "dnn": {"epochs": 20}}}
"""Both train for a second or more: without turns they would do so side by side."""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compute")
    project = clone_project(folder / "image-sentiment", {**TINY, **LONGER})
    project.environment |= {"TMPDIR": str(folder), "IMAGE_SENTIMENT_TRACKING": "off"}
    for name in (compute_slot.SLOTS, compute_slot.GPUS, "OMP_NUM_THREADS"):
        project.environment.pop(name, None)
    project.run("dvc", "repro", "split")
    return project


def at_once(project, **environment):
    """Start both trainings and wait for them: what they said, line by line as it came."""
    log = project.folder.parent / "said"
    with log.open("a") as file:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "pipeline", "train", model],
                cwd=project.folder, env={**project.environment, **environment},
                stdout=file, stderr=file,
            )
            for model in ("cnn", "dnn")
        ]  # fmt: skip
    ended = [process.wait(timeout=500) for process in running]
    said = log.read_text()
    log.unlink()
    assert ended == [0, 0], said
    return said.splitlines()


def test_two_trainings_at_once_take_turns(project):
    said = at_once(project, OMP_NUM_THREADS="1")
    waits = [line.split(":")[0] for line in said if "waits for a compute slot: 1 of 1" in line]
    assert len(waits) == 1
    # Whoever waits shows no progress until the other one has shown its last.
    at_work = [name for name, _ in groupby(line.split(":")[0] for line in said if "face/s" in line)]
    assert len(at_work) == 2
    assert at_work[1:] == waits


def test_two_slots_share_the_cores(project):
    said = at_once(project, STUDY_SLOTS="2")
    assert not any("waits for" in line for line in said)
    half = max(1, len(os.sched_getaffinity(0)) // 2)
    for model in ("cnn", "dnn"):
        made_by = project.json(f"artifacts/train/{model}/made_by.json")
        assert int(made_by["machine"]["threads"]) <= half
