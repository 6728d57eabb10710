"""What made a result lies beside it, is whole or absent, and is known to fit or not."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from pipeline import layout
from pipeline.record import made_by
from pipeline.record.__main__ import main

from ..project import new_project

pytestmark = pytest.mark.study

FILE = "artifacts/split/made_by.json"
AGAIN = "python", "-m", "pipeline.record", "again"


@pytest.fixture(scope="module")
def project(tmp_path_factory, finished):
    """A clone in which the faces were drawn, read and parted."""
    project = finished.prepare(tmp_path_factory.mktemp("made") / "project")
    project.environment["IMAGE_SENTIMENT_TRACKING"] = "off"
    return project


def set_split(project, **settings):
    project.change({"split": settings})


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def said(project, expect):
    said = project.run("python", "-m", "pipeline.record", "made", expect=expect)
    return dict(line.split(": ", 1) for line in said.splitlines())


def test_it_tells_what_made_the_result(project):
    made = project.json(FILE)
    assert made["git"] == {
        "revision": project.run("git", "rev-parse", "HEAD").strip(),
        "dirty": False,
    }
    assert made["params"] == yaml.safe_load((project.folder / "params.yaml").read_text())
    assert made["data"]["source"] == "data/sample"
    assert made["data"]["md5"]["train.csv.gz"] == md5(project.folder / "data/sample/train.csv.gz")
    assert made["versions"]["numpy"] == np.__version__
    assert (made["machine"]["device"], made["machine"]["threads"]) == ("cpu", "1")
    assert {path: md5(project.folder / path) for path in made["outputs"]} == made["outputs"]
    locked = project.locked()
    for path in ("data/split.parquet", "artifacts/split/metrics.json"):
        assert made["outputs"][path] == locked[path]
    assert project.json("artifacts/sample/made_by.json")["data"]["md5"] is None


def test_neither_git_nor_dvc_knows_it(project):
    assert "made_by" not in project.run("git", "status", "--short", "--untracked-files=all")
    assert "made_by" not in (project.folder / "dvc.lock").read_text()


def test_results_that_lie_here_are_recorded_again(project):
    """By dvc.lock; `split` has what made it, `ingest` a file that speaks of other results."""
    path = project.folder / "artifacts/ingest/made_by.json"
    kept = path.read_text()
    path.write_text(kept.replace("artifacts/ingest/ingest.json", "other.json"))
    recorded = {"IMAGE_SENTIMENT_TRACKING": "on"}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(project, "environment", project.environment | recorded)
            for _ in range(2):
                said = project.run(*AGAIN)
                assert sorted(re.findall(r"\w+", said)[1:]) == [
                    "ingest", "photographs", "sample", "settings", "split",
                ]  # fmt: skip
            project.wait_for_record()
    finally:
        path.write_text(kept)
    client, found = project.recorded()
    runs = {run.info.run_name: run for run in found}
    assert len(runs) == 6
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    split = runs["split"]
    assert split.data.params["seed"] == "0"
    assert split.data.metrics["split.train"] > 0
    assert split.data.tags["data.md5"].startswith("regions")
    assert "data.md5" not in runs["ingest"].data.tags
    assert [item.path for item in client.list_artifacts(split.info.run_id)] == [
        "figures", "metrics.json",
    ]  # fmt: skip


def test_results_of_other_parameters_are_not_recorded_again(project):
    set_split(project, seed=7)
    said = project.run(*AGAIN, IMAGE_SENTIMENT_TRACKING="on")
    assert project.run(*AGAIN) == "record: off (IMAGE_SENTIMENT_TRACKING=off)\n"
    set_split(project, seed=0)
    assert sorted(re.findall(r"\w+", said)[1:]) == ["ingest", "photographs", "sample"]


def test_it_fits_until_dvc_restores_another_result(project):
    stages = {"settings", "sample", "ingest", "photographs", "split"}
    assert set(said(project, expect=0)) == stages
    set_split(project, seed=7)
    assert "Running stage 'split'" in project.run("dvc", "repro", "split")
    assert project.json(FILE)["git"]["dirty"] is True
    assert ", changed; cpu" in said(project, expect=0)["split"]

    set_split(project, seed=0)
    project.run("dvc", "repro", "split")
    set_split(project, seed=7)
    output = project.run("dvc", "repro", "split")
    assert "is cached - skipping run" in output
    found = said(project, expect=1)
    assert found["split"] == (
        "made_by.json speaks of other results: artifacts/split/figures/counts.svg and 2 more"
    )
    assert "made_by" not in found["ingest"]


def test_a_stage_that_was_taken_out_is_not_recorded_again(project):
    described = project.folder / "dvc.yaml"
    before = described.read_text()
    content = yaml.safe_load(before)
    del content["stages"]["split"]
    described.write_text(yaml.safe_dump(content))
    found = project.run(*AGAIN, IMAGE_SENTIMENT_TRACKING="on")
    described.write_text(before)
    assert {"ingest", "photographs", "sample"} <= set(re.findall(r"\w+", found))
    assert "split" not in found


def test_where_nothing_was_made_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["record", "made"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err.startswith("record: error: dvc.lock: none that can be read")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"outputs": {}}', '{"outputs": 3}'])
def test_a_file_that_no_stage_wrote_is_not_believed(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(content)
    assert made_by.check("split") == (False, "made_by.json is not what a stage writes")


def test_what_git_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert made_by.git_state() is None
    project = new_project(tmp_path)
    assert made_by.git_state() is None
    for name in ("code.py", "dvc.lock"):
        (tmp_path / name).write_text("old")
    project.commit("first")
    revision = project.run("git", "rev-parse", "HEAD").strip()
    for name, dirty in (("dvc.lock", False), ("code.py", True)):
        assert made_by.git_state() == {"revision": revision, "dirty": False}
        (tmp_path / name).write_text("new")
        assert made_by.git_state() == {"revision": revision, "dirty": dirty}


def test_a_stage_before_the_faces_are_read_names_none(tmp_path, monkeypatch, params):
    """What lies there may be of other faces than those of params.yaml now."""
    monkeypatch.chdir(tmp_path)
    layout.INGESTED.parent.mkdir(parents=True)
    layout.INGESTED.write_text('{"files": {"former.csv": "0"}}')
    for stage, files in (("settings", None), ("sample", None), ("split", {"former.csv": "0"})):
        made = made_by.describe(stage, params)
        made_by.write(stage, made, {}, None)
        assert made["data"]["md5"] == made_by.read(stage)["data"]["md5"] == files


def test_a_stage_that_fails_or_is_killed_leaves_none(project):
    path = project.folder / FILE
    kept = path.read_text()
    set_split(project, method="usage")
    project.run("python", "-m", "pipeline", "split", expect=1)
    assert not path.exists()
    assert said(project, expect=1)["split"].startswith("no made_by.json")
    set_split(project, method="stratified")
    for delay in np.linspace(0, 1, 4):
        path.write_text(kept)
        command = [sys.executable, "-m", "pipeline", "split"]
        with subprocess.Popen(command, cwd=project.folder, env=project.environment) as stage:
            deadline = time.monotonic() + 60
            while path.exists() and stage.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)  # until it has begun its work
            time.sleep(delay)
            os.kill(stage.pid, signal.SIGKILL)
        # Killed before its end or after it: nothing, or all of it.
        assert not path.exists() or project.json(FILE)["stage"] == "split"
