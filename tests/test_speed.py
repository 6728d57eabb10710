"""Which precision `auto` takes on a CPU, and how long a training is said to take."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch

from pipeline.experiments.flops import CPU
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.training import speed
from pipeline.training.device import choose_compute, speeds
from pipeline.training.face_set import FaceSet
from pipeline.training.forecast import Forecast, duration
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification
from pipeline.training.selection import Row
from pipeline.training.speed import Speed, machine_speed, measure_speed

from .conftest import ROOT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A home in which nothing was measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine_speed.cache_clear()
    yield tmp_path / "image-sentiment" / "speed.json"
    machine_speed.cache_clear()


@pytest.fixture
def auto(params):
    return params.machine.model_copy(update={"device": "cpu"})


@pytest.mark.parametrize(
    ("float32", "bfloat16", "expected"),
    [
        (445e9, 930e9, torch.bfloat16),
        (315e9, 168e9, torch.float32),  # it has the instruction, and is slower by it
        (100e9, 110e9, torch.float32),  # as good as equal
        (100e9, 0.0, torch.float32),
    ],
)
def test_auto_takes_bfloat16_where_it_is_clearly_faster(
    cache, auto, monkeypatch, float32, bfloat16, expected
):
    monkeypatch.setattr(speed, "measure_speed", lambda: Speed(float32, bfloat16))
    compute = choose_compute(auto)
    assert compute.dtype == expected
    assert speeds(auto, compute)["speed.float32"] == f"{float32 / 1e9:.0f} GFLOP/s"


def test_a_machine_is_measured_once_and_believed_on_another_day(cache, auto, monkeypatch):
    monkeypatch.setattr(speed, "measure_speed", lambda: Speed(1e9, 2e9))
    assert choose_compute(auto).dtype == torch.bfloat16
    assert json.loads(cache.read_text()) == {
        speed.describe_machine(): {"float32": 1e9, "bfloat16": 2e9}
    }
    machine_speed.cache_clear()  # another process
    monkeypatch.setattr(speed, "measure_speed", lambda: pytest.fail("measured again"))
    assert choose_compute(auto).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"a": 3}', '{"a": {"float32": 1}}', '{"a": {"float32": null, "bfloat16": null}}'],
)
def test_a_file_that_is_damaged_is_written_anew(cache, auto, monkeypatch, text):
    cache.parent.mkdir()
    cache.write_text(text)
    monkeypatch.setattr(speed, "measure_speed", lambda: Speed(2e9, 1e9))
    assert choose_compute(auto).dtype == torch.float32
    assert list(json.loads(cache.read_text()).values()) == [{"float32": 2e9, "bfloat16": 1e9}]


def test_a_home_that_may_not_be_written_is_no_error(auto, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(speed, "measure_speed", lambda: Speed(1e9, 2e9))
    machine_speed.cache_clear()
    assert choose_compute(auto).dtype == torch.bfloat16
    machine_speed.cache_clear()


def test_a_training_that_goes_on_stays_in_the_precision_it_began_in(cache, auto, monkeypatch):
    monkeypatch.setattr(speed, "measure_speed", lambda: Speed(1e9, 2e9))
    assert choose_compute(auto, "float32").dtype == torch.float32
    assert choose_compute(auto, "bfloat16").dtype == torch.bfloat16
    asked = auto.model_copy(update={"precision": "float32"})
    assert choose_compute(asked, "bfloat16").dtype == torch.float32


def test_without_the_instruction_bfloat16_is_not_tried(monkeypatch):
    monkeypatch.setattr(speed, "has_bfloat16", lambda: False)
    threads = torch.get_num_threads()
    found = measure_speed()
    assert found.float32 > 1e8
    assert found.bfloat16 == 0
    assert torch.get_num_threads() == threads


@pytest.mark.study
def test_a_processor_that_is_held_to_avx2_trains_in_float32(tmp_path):
    code = (
        "from pipeline.params import load; from pipeline.training.device import choose_compute;"
        "print(choose_compute(load().machine).precision)"
    )
    held = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | held | {"XDG_CACHE_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.stdout.split() == ["float32"]


# How long it will take


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def forecast(faces):
    told, clock = [], Clock()
    return Forecast(told.append, faces, clock), told, clock


def test_it_is_said_before_the_second_epoch_however_short_the_first_is():
    found, told, clock = forecast(1000)
    clock.now = 1.0
    found.update(100)
    assert told == []
    found.update(0, epoch_ends=True)
    assert told == ["about 10 s on this machine, 9 s of them left (100 faces a second)"]


def test_a_long_first_epoch_is_not_waited_for():
    found, told, clock = forecast(100_000)
    clock.now = 3.5
    found.update(350)
    assert told == [
        "about 16 min 40 s on this machine, 16 min 36 s of them left (100 faces a second)"
    ]


def test_it_is_said_anew_when_it_was_wrong_and_not_otherwise():
    found, told, clock = forecast(1000)
    for now in (10.0, 21.0, 29.0):  # about as it was said
        clock.now = now
        found.update(100)
        found.update(0, epoch_ends=True)
    assert len(told) == 1
    clock.now = 60.0
    found.update(100)
    found.update(0, epoch_ends=True)
    assert told[1:] == ["rather 2 min 30 s in all, 1 min 30 s of them left (7 faces a second)"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_a_person_would(seconds, text):
    assert duration(seconds) == text


def test_a_training_says_it_before_its_second_epoch(params):
    faces = FaceSet(torch.zeros(70, 48, 48, dtype=torch.uint8), torch.arange(70) % 7)
    settings = params.train.dnn.model_copy(update={"epochs": 3, "batch": 32})
    said, epochs_before = [], []

    def tell(text):
        said.append(text)
        epochs_before.append(len(rows))

    rows: list[Row] = []
    model = Classifier(Architecture("small-dnn", 0.0, "scale"))
    fit(
        model, Classification.of(settings), faces, faces, settings, CPU,
        on_epoch=rows.append, tell=tell,
    )  # fmt: skip
    assert len(rows) == 3
    assert re.fullmatch(r"about .+ on this machine, .+ left \(.+ faces a second\)", said[0])
    assert epochs_before[0] <= 1


def test_threads_of_a_stage_spin_briefly_unless_the_user_says_how_they_wait():
    code = (
        "import os, pipeline.__main__ as start; start.spin_briefly(); "
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    for user, expected in (
        ({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None"),
    ):  # fmt: skip
        clean = {key: value for key, value in os.environ.items() if key != "GOMP_SPINCOUNT"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=clean | user, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected


# What is meant for so many faces


@pytest.mark.study
def test_thousands_of_faces_are_told_which_recipe_is_meant_for_them_and_how_long_it_takes(tmp_path):
    face = " ".join(["7"] * 2303)
    rows = [f"{number % 7},{face} {number % 256}" for number in range(5000)]
    (tmp_path / "faces.csv").write_text("\n".join(["label,feature", *rows]))
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("source: data/sample", "source: faces.csv"))
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    said = [
        subprocess.run(
            [sys.executable, "-m", "pipeline", "ingest"], cwd=tmp_path, check=True, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT),
            "IMAGE_SENTIMENT_TRACKING": "off", "XDG_CACHE_HOME": str(tmp_path)} | more,
        ).stdout
        for more in ({}, {"DVC_EXP_NAME": "half-hour"})
    ]  # fmt: skip
    assert "for 5,000 faces there are recipes: make recipe NAME=half-hour" in said[0]
    for name in ("half-hour", "hour"):
        assert re.search(rf"^ *{name} +about [^│]*(min|h)", said[0], re.M)
    assert "recipe" not in said[1]  # one is under way
