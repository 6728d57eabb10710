"""What runs at the same time shares the cores by design: real trainings, asked for at once."""

import os
import subprocess
import sys
import time

import pytest

from pipeline import compute

from .project import TINY, clone_project

pytestmark = pytest.mark.study

LONGER = {"sample": {"faces": 900}, "train": {"cnn": {"epochs": 4}, "dnn": {"epochs": 60}}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compute")
    project = clone_project(folder / "image-sentiment", {**TINY, **LONGER})
    project.environment |= {"TMPDIR": str(folder), "IMAGE_SENTIMENT_TRACKING": "off"}
    project.environment.pop(compute.SLOTS, None)
    project.run("dvc", "repro", "split")
    return project


def at_once(project, **environment):
    """Start both trainings, wait for them: what each said, and the seconds of the longer one."""
    started = time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pipeline.stages.train", model],
            cwd=project.folder, env={**project.environment, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for model in ("cnn", "dnn")
    ]  # fmt: skip
    said = [process.communicate(timeout=500)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return said, time.monotonic() - started


def test_two_trainings_at_once_cost_no_more_than_one_after_the_other(project):
    started = time.monotonic()
    for model in ("cnn", "dnn"):
        project.run(sys.executable, "-m", "pipeline.stages.train", model)
    one_by_one = time.monotonic() - started
    said, together = at_once(project)
    waited = [text for text in said if "waits for a compute slot: 1 of 1 in use" in text]
    assert len(waited) == 1
    # Thread pools that spin against one another take five times as long, and worse.
    assert together < 1.5 * one_by_one


def test_two_slots_share_the_cores(project):
    said, _ = at_once(project, STUDY_SLOTS="2")
    assert not any("waits for" in text for text in said)
    code = (
        "import torch; from pipeline.compute import compute_slot\n"
        "with compute_slot(): print(torch.get_num_threads())"
    )
    half = max(1, len(os.sched_getaffinity(0)) // 2)
    printed = subprocess.check_output(
        [sys.executable, "-c", code], env={**project.environment, "STUDY_SLOTS": "2"}
    )
    assert int(printed) <= half
