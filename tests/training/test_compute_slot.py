"""What fills the machine takes turns, or shares the cores by design; so does a real training."""

import os
import subprocess
import sys

import pytest

from pipeline import compute_slot

from ..conftest import ROOT
from ..project import wait_for

pytestmark = pytest.mark.study

WORK = """
import sys, time
from pathlib import Path
from pipeline.compute_slot import compute_slot

name, other = sys.argv[1:]
with compute_slot(lambda text: print(name, text, flush=True)):
    import torch
    print(name, "begins with", torch.get_num_threads(), flush=True)
    Path(name).touch()
    while other and not Path(other).exists():
        time.sleep(0.05)
    print(name, "ends", flush=True)
"""


@pytest.fixture
def environment(tmp_path):
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path),
        "IMAGE_SENTIMENT_TRACKING": "off",
    }  # fmt: skip
    for name in (compute_slot.SLOTS, "OMP_NUM_THREADS"):
        environment.pop(name, None)
    return environment


def start(log, environment, *command, folder):
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log
    )


def test_two_slots_are_used_at_once_and_share_the_cores(tmp_path, environment):
    said = tmp_path / "said"
    environment[compute_slot.SLOTS] = "2"
    with said.open("a") as log:
        running = [  # each ends once the other has begun
            start(log, environment, "-c", WORK, *names, folder=tmp_path)
            for names in (("one", "two"), ("two", "one"))
        ]
        assert [process.wait(120) for process in running] == [0, 0]
    assert "waits for" not in said.read_text()
    half = max(1, len(os.sched_getaffinity(0)) // 2)
    begins = [line for line in said.read_text().splitlines() if "begins with" in line]
    assert all(int(line.split()[-1]) <= half for line in begins)


def test_a_training_waits_for_its_turn(tmp_path, environment, finished):
    project = finished.prepare(tmp_path / "image-sentiment")
    said = tmp_path / "said"
    training = ("-m", "pipeline", "train", "dnn")
    with said.open("a") as log:
        holder = start(log, environment, "-c", WORK, "one", "free", folder=tmp_path)
        wait_for(lambda: "one begins" in said.read_text(), 120, said.read_text)
        waiting = start(log, environment, *training, folder=project.folder)
        waits = "waits for a compute slot: 1 of 1 in use on this machine"
        wait_for(lambda: waits in said.read_text(), 120, said.read_text)
        (tmp_path / "free").touch()
        assert (holder.wait(120), waiting.wait(120)) == (0, 0), said.read_text()
    before, _, after = said.read_text().partition("one ends")
    assert "face/s" not in before  # a training's progress
    assert "face/s" in after


def test_cores_are_counted_where_the_system_names_none_of_a_process(monkeypatch):
    assert compute_slot.count_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert compute_slot.count_cores() == os.cpu_count()
