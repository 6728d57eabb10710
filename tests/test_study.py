"""The whole study on tiny data, through real dvc and MLflow, as a newcomer's clone would run it."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline.driver.stage_graph import read_graph

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """A clone in which all is done; its record is the one of the study that it is a copy of."""
    return finished.prepare(tmp_path_factory.mktemp("study") / "image-sentiment", upto="report")


@pytest.fixture(scope="module")
def stages(project):
    found = {stage.name for stage in read_graph(project.folder)}
    assert {"ingest", "train@cnn", "report"} <= found
    return found


@pytest.fixture(scope="module")
def runs(finished):
    return finished.study().recorded()


def test_every_stage_ran_once_and_the_second_time_none(finished, project, stages):
    said = finished.study().output
    for stage in stages:
        assert said.count(f"Running stage '{stage}'") == 1
    again = project.run("dvc", "repro")
    assert "Running stage" not in again
    assert "up to date" in again


def test_scores_say_what_chose_and_what_was_measured(project):
    scores = project.json("artifacts/evaluate/scores.json")
    assert scores["epoch_chosen_on"] == {"cnn": "none", "dnn": "none"}  # both keep their last epoch
    assert scores["reported_on"] == "test"
    split = project.json("artifacts/split/metrics.json")["split"]
    assert scores["faces"] == {part: split[part] for part in ("validation", "test")}
    assert split["copies_across_parts"] == 0
    for model in ("cnn", "dnn"):
        interval = scores[model]["test"]["accuracy_interval"]
        assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1


def test_the_confusion_matrix_is_of_the_test_faces_and_agrees_with_the_accuracy(project):
    confusion = project.json("artifacts/confusion/confusion.json")
    scores = project.json("artifacts/evaluate/scores.json")
    for model in ("cnn", "dnn"):
        counts = np.array(confusion[model]["counts"])
        assert counts.sum() == scores["faces"]["test"]
        accuracy = np.trace(counts) / counts.sum()
        assert accuracy == pytest.approx(scores[model]["test"]["accuracy"], abs=1e-5)


def test_the_submission_names_every_unlabelled_face_and_the_report_stands_alone(project):
    table = pd.read_csv(project.folder / "artifacts/predict/submission.csv")
    assert list(table.columns) == ["id", "label"]
    assert list(table["id"]) == list(range(30))
    assert table["label"].between(0, 6).all()
    page = (project.folder / "report/report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") >= 10
    assert str(project.folder) not in page


def test_metrics_and_plots_are_there_for_dvc(project):
    shown = project.run("dvc", "metrics", "show", "--json")
    assert "accuracy" in shown
    project.run("dvc", "plots", "show", "--out", "plots")
    page = (project.folder / "plots" / "index.html").read_text()
    for title in ("CNN, loss by epoch", "CNN, confusion"):
        assert title in page
    assert "saliency_figures_cnn" in page


def test_the_record_has_one_parent_and_a_run_a_stage_with_epochs_and_pictures(
    project, runs, stages
):
    client, found = runs
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    assert len(parents) == 1
    children = {run.info.run_name: run for run in found if run not in parents}
    assert set(children) == stages
    assert {run.info.status for run in found} == {"FINISHED"}
    settings = yaml.safe_load((project.folder / "params.yaml").read_text())["train"]["cnn"]
    assert children["train@cnn"].data.params["network"] == settings["network"]
    assert "cnn.accuracy" in parents[0].data.metrics

    history = client.get_metric_history(children["train@dnn"].info.run_id, "validation_loss")
    assert sorted({point.step for point in history} - {0}) == [1, 2, 3]
    pictures = client.list_artifacts(children["confusion"].info.run_id, "figures")
    assert {Path(item.path).name for item in pictures} == {
        "cnn.svg", "cnn-negative.svg", "dnn.svg", "dnn-negative.svg", "frequency.svg",
    }  # fmt: skip
    datasets = [item.dataset for item in children["ingest"].inputs.dataset_inputs]
    (data,) = [dataset for dataset in datasets if dataset.name == "train.csv.gz"]
    assert len(data.digest) == 32


def test_every_run_knows_what_made_it(project, runs):
    client, found = runs
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    tags = parent.data.tags
    assert tags["git.revision"] == project.run("git", "rev-parse", "HEAD").strip()
    assert tags["git.dirty"] == "false"
    assert {"data.md5", "version.torch", "version.python", "threads"} <= tags.keys()
    for run in found:
        if run is parent:
            continue
        name = run.info.run_name
        assert {"git.revision", "git.dirty", "device"} <= run.data.tags.keys(), name
        listed = {item.path for item in client.list_artifacts(run.info.run_id)}
        assert "made_by.json" in listed, name
        assert run.data.params or name in ("settings", "photographs", "report")


def test_an_experiment_runs_what_it_changes_and_shows_up(project, stages):
    before = project.locked()
    output = project.run("dvc", "exp", "run", "--name", "longer", "-S", "class_images.steps=3")
    ran = {stage for stage in stages if f"Running stage '{stage}'" in output}
    assert ran == {"settings", "class_images", "report"}
    changed = {path for path, md5 in project.locked().items() if before[path] != md5}
    assert changed == {
        "artifacts/class_images/figures", "artifacts/class_images/class_images.json",
        "report/report.html",
    }  # fmt: skip
    table = project.run("dvc", "exp", "show", "--only-changed", "--no-pager", "--csv")
    assert "longer" in table
    assert "class_images.steps" in table


def test_a_stage_without_its_input_says_what_is_missing(project, tmp_path):
    shutil.copy(project.folder / "params.yaml", tmp_path)
    for command in (["split"], ["train", "cnn"], ["report"]):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *command],
            cwd=tmp_path, env=project.environment | {"IMAGE_SENTIMENT_TRACKING": "off"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert "dvc repro" in done.stderr or "run the stage" in done.stderr
