"""On what, and in which precision, a training runs; how long trainings are said to take."""

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from pipeline import shell, wait_policy
from pipeline.dvc_yaml import StageEntry
from pipeline.errors import UserError
from pipeline.training import speed
from pipeline.training.device import choose_compute
from pipeline.training.speed import Speed, machine_speed, measure_speed
from pipeline.wording.numbers import duration

from ..conftest import ROOT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A home in which nothing was measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    machine_speed.cache_clear()
    yield tmp_path / "image-sentiment" / "speed.json"
    machine_speed.cache_clear()


@pytest.fixture
def measured(monkeypatch):
    """Let the machine have a speed: in float32, in bfloat16."""
    return lambda *found: monkeypatch.setattr(speed, "measure_speed", lambda: Speed(*found))


@pytest.fixture
def auto(params):
    return params.machine.model_copy(update={"device": "cpu"})


@pytest.mark.parametrize(
    ("float32", "bfloat16", "expected"),
    [
        (445e9, 930e9, "bfloat16"),
        (315e9, 168e9, "float32"),  # it has the instruction, and is slower by it
        (100e9, 110e9, "float32"),  # as good as equal
        (100e9, 0.0, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_it_is_clearly_faster(
    cache, auto, measured, float32, bfloat16, expected
):
    measured(float32, bfloat16)
    assert choose_compute(auto).describe()["precision"] == expected


def test_the_speed_of_trainings_is_that_of_their_precision():
    each = [Speed(1e9, 3e9).of_all_threads(name) for name in ("float32", "bfloat16", "auto")]
    assert each == pytest.approx([torch.get_num_threads() * rate for rate in (1e9, 3e9, 3e9)])
    assert Speed(1e9, 1.1e9).of_all_threads("auto") == torch.get_num_threads() * 1e9


def test_a_machine_is_measured_once_and_believed_on_another_day(cache, auto, measured):
    measured(1e9, 2e9)
    assert choose_compute(auto).dtype == torch.bfloat16
    noted = json.loads(cache.read_text())
    assert noted == {speed.describe_machine(): {"float32": 1e9, "bfloat16": 2e9}}
    machine_speed.cache_clear()  # another process
    measured(2e9, 1e9)  # another day
    assert choose_compute(auto).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"a": 3}', '{"a": {"float32": 1}}', '{"a": {"float32": null, "bfloat16": null}}'],
)
def test_a_file_that_is_damaged_is_written_anew(cache, auto, measured, text):
    cache.parent.mkdir()
    cache.write_text(text)
    measured(2e9, 1e9)
    assert choose_compute(auto).dtype == torch.float32
    assert list(json.loads(cache.read_text()).values()) == [{"float32": 2e9, "bfloat16": 1e9}]


def test_where_the_home_may_not_be_written_the_answer_is_kept_elsewhere(
    cache, auto, measured, tmp_path, monkeypatch
):
    cache.parent.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for found in ((1e9, 2e9), (2e9, 1e9)):
        machine_speed.cache_clear()
        measured(*found)
        assert choose_compute(auto).dtype == torch.bfloat16


def test_a_training_that_goes_on_stays_in_the_precision_it_began_in(cache, auto, measured):
    measured(1e9, 2e9)
    assert choose_compute(auto, "float32").dtype == torch.float32
    assert choose_compute(auto, "bfloat16").dtype == torch.bfloat16
    asked = auto.model_copy(update={"precision": "float32"})
    assert choose_compute(asked, "bfloat16").dtype == torch.float32


def test_measuring_leaves_chance_and_threads_as_they_were():
    threads, chance = torch.get_num_threads(), torch.get_rng_state()
    found = measure_speed()
    assert found.float32 > 1e8
    assert found.bfloat16 > 1e6  # emulated, if need be
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), chance)


@pytest.mark.study
def test_a_processor_that_is_held_to_avx2_trains_in_float32(tmp_path):
    code = (
        "from pipeline.params import load; from pipeline.training.device import choose_compute;"
        "print(choose_compute(load().machine).precision)"
    )
    held = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | held | {"XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.split() == ["float32"]


def test_what_the_machine_lacks_is_named(params, auto, monkeypatch):
    assert choose_compute(params.machine).device.type == "cpu"
    with pytest.raises(UserError, match="no CUDA device"):
        choose_compute(auto.model_copy(update={"device": "cuda"}))
    monkeypatch.setenv("CXX", "no-such-compiler")
    asked = auto.model_copy(update={"compile": "always"})
    with pytest.raises(UserError, match=r"compile = 'always': .*'no-such-compiler'.*install g\+\+"):
        choose_compute(asked)
    assert not choose_compute(auto).compiled


@pytest.mark.parametrize("busy", [True, False])
def test_threads_sleep_beside_others_at_work_unless_the_user_says_how_they_wait(monkeypatch, busy):
    monkeypatch.setattr(wait_policy, "others_are_at_work", lambda: busy)
    ours = {"OMP_WAIT_POLICY": "passive"} if busy else {"GOMP_SPINCOUNT": "10000"}
    for user in ({}, {"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}):
        environment = dict(user)
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", environment)
            wait_policy.choose_wait_policy()
        assert environment == (user or ours)


@pytest.mark.parametrize(("column", "counts"), [(1, True), (2, False), (4, False), (7, True)])
def test_work_of_low_priority_is_none_to_make_way_for(tmp_path, monkeypatch, column, counts):
    stat = tmp_path / "stat"

    def write(ticks):
        cores = [[f"cpu{number}", *[0] * 8] for number in os.sched_getaffinity(0)]
        cores[0][column] = ticks
        stat.write_text("\n".join(" ".join(map(str, core)) for core in cores))

    write(0)
    monkeypatch.setattr(wait_policy, "STAT", stat)
    monkeypatch.setattr(wait_policy.time, "sleep", lambda _: write(5))
    assert wait_policy.others_are_at_work() is counts


def test_a_stage_has_its_slot_before_it_looks_who_else_is_at_work(tmp_path, monkeypatch):
    seen = []

    @contextmanager
    def slot(_log):
        seen.append("slot")
        yield 0.0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_SENTIMENT_TRACKING", "off")
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.setattr(shell, "compute_slot", slot)
    monkeypatch.setattr(shell, "choose_wait_policy", lambda: seen.append("policy"))
    entry = StageEntry("train", "", ["dnn"], [], {"compute": "heavy"})

    def load_module():
        seen.append("module")
        return SimpleNamespace(work=lambda _: seen.append("work"))

    shell.execute("train@dnn", entry, load_module)
    assert seen == ["slot", "policy", "module", "work"]


def test_a_busy_process_on_the_same_cores_is_noticed():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            assert any(wait_policy.others_are_at_work() for _ in range(100))
        finally:
            busy.kill()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_a_person_would(seconds, text):
    assert duration(seconds) == text


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
