"""Two runs of the study give the same bytes: other folder, hour, language, home, hash order."""

import os
import time
from pathlib import Path

import pytest

from .project import TINY, clone_project

pytestmark = pytest.mark.study


def locked(project):
    """Every md5 in dvc.lock, of what stages read and of what they wrote."""
    return {
        (stage, kind, entry["path"]): entry["md5"]
        for stage, entries in project.stages().items()
        for kind in ("deps", "outs")
        for entry in entries.get(kind, [])
    }


@pytest.fixture(scope="module")
def twice(finished, tmp_path_factory):
    """Two studies at different times; the second has another of everything that may vary.

    Each in a clone of its own with DVC's cache in it: nothing comes from another run. The first
    has told the record of itself, the second has none.
    """
    first = finished.study()
    home = tmp_path_factory.mktemp("home of somebody else")
    started = time.time()
    longer = tmp_path_factory.mktemp("b") / "a folder with a much longer name" / "image-sentiment"
    second = clone_project(longer, TINY)
    second.environment |= {
        "IMAGE_SENTIMENT_TRACKING": "off", "PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu",
        "LANG": "C", "LC_ALL": "C", "COLUMNS": "40", "HOME": str(home), "USER": "somebody-else",
        "HOSTNAME": "elsewhere",
        # The same machine: what was measured of its speed decides the precision.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
    }  # fmt: skip
    second.output = second.run("dvc", "repro", seconds=1800)
    for project in (first, second):
        assert "skipping run" not in project.output
        assert project.output.count("Running stage") == len(project.stages())
    lock = first.folder / "dvc.lock"
    assert lock.stat().st_mtime <= started
    return first, second


def test_two_runs_give_the_same_md5_for_every_output(twice):
    first, second = map(locked, twice)
    assert first.keys() == second.keys()
    assert [place for place in first if first[place] != second[place]] == []
    outs = [path for _, kind, path in first if kind == "outs"]
    assert len(outs) > 40
    assert "report/report.html" in outs
    assert {"artifacts/saliency/figures", "artifacts/train/cnn/weights.safetensors"} <= {*outs}


def test_what_made_each_result_is_told_beside_it_and_changes_no_md5(twice):
    for project in twice:
        told = project.run("python", "-m", "pipeline.record", "made")
        assert len(told.splitlines()) == len(project.stages())
    made = [project.json("artifacts/train/cnn/made_by.json") for project in twice]
    assert made[0]["git"]["revision"] != made[1]["git"]["revision"]
    assert made[0]["outputs"] == made[1]["outputs"]
    assert made[0]["machine"]["precision"] in ("float32", "bfloat16")
    assert "up to date" in twice[1].run("dvc", "status")


def test_metrics_say_which_faces_chose_and_which_gave_the_figures(twice):
    _, project = twice
    shown = project.run("dvc", "metrics", "show", "--json")
    assert "epoch_chosen_on" in shown
    chosen_on = {"cnn": "none", "dnn": "none"}  # both keep their last epoch
    for model, faces in chosen_on.items():
        trained = project.json(f"artifacts/train/{model}/metrics.json")[model]
        assert trained["epoch_chosen_on"] == faces
        assert trained["epoch_measured_on"] == "validation"
    faces = project.json("artifacts/evaluate/metrics.json")["faces"]
    assert faces == {
        "epoch_chosen_on": chosen_on, "temperature_fitted_on": "validation",
        "thresholds_chosen_on": "none", "network_chosen_on": "validation",
        "measured_on": "test",
    }  # fmt: skip
    semisupervised = project.json("artifacts/semisupervised/metrics.json")["semisupervised"]
    assert set(semisupervised["epoch_chosen_on"].values()) == {"none"}
    assert semisupervised["network_chosen_on"] == "validation"
    assert (semisupervised["thresholds_chosen_on"], semisupervised["measured_on"]) == (
        "none", "test",
    )  # fmt: skip
