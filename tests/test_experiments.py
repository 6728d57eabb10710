"""Recipes and grids as DVC experiments: through real dvc, on the study and on one tiny stage."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from .conftest import ROOT
from .project import TINY, clone_project, new_project

pytestmark = pytest.mark.study

EXPERIMENTS = ("python", "-m", "pipeline.experiments")

SMALL = {
    **TINY,
    "train": {"cnn": {"epochs": 1}, "dnn": {"epochs": 1}},
    # Ten views of a face by four networks of 10 M parameters take minutes.
    "evaluate": {"views": {"shift": 0}},
}

ONE_EPOCH = [
    word
    for fit in (
        "train.cnn",
        "train.dnn",
        "semisupervised.autoencoder",
        "semisupervised.classifier",
        "semisupervised.consistency.fit",
    )
    for word in ("-S", f"{fit}.epochs=1")
]

GRID = """
title: Which rate?
measure: cnn.accuracy
stages: [evaluate]
base:
  train: {cnn: {network: leaky-cnn, batch: 128}}
vary:
  rate:
    low: {train: {cnn: {learning_rate: 0.0001}}}
    high: {train: {cnn: {learning_rate: 0.003}}}
seeds: {keys: [train.cnn.seed], values: [0, 1]}
"""


def accuracy(metrics):
    return metrics["evaluate"]["cnn"]["accuracy"]


def shown(project):
    """Name, parameters and metrics by folder of each experiment, as `dvc exp show` has them."""
    table = json.loads(project.run("dvc", "exp", "show", "--json"))
    experiments = [found for baseline in table for found in baseline.get("experiments") or ()]
    found = {}
    for experiment in experiments:
        data = experiment["revs"][0]["data"]
        metrics = {
            Path(name).parent.name: file.get("data") for name, file in data["metrics"].items()
        }
        found[experiment["name"]] = (data["params"]["params.yaml"]["data"], metrics)
    return found


# The study


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A clone in which some stages are up to date, as after a first `make study`."""
    project = clone_project(tmp_path_factory.mktemp("experiments") / "image-sentiment", SMALL)
    project.run("dvc", "repro", "split", "train@dnn")
    (project.folder / "grids" / "rates.yaml").write_text(GRID)
    project.commit("some results, and a grid")
    return project


@pytest.fixture(scope="module")
def recipes(project):
    """All recipes, by one command."""
    return project.run(*EXPERIMENTS, "all", *ONE_EPOCH, seconds=2400)


def test_one_command_runs_every_recipe_as_the_experiment_of_its_name(project, recipes):
    found = shown(project)
    networks = {name: params["train"]["cnn"]["network"] for name, (params, _) in found.items()}
    assert networks == {
        "r0": "vgg-cnn", "r1": "triple-cnn", "r2": "vgg16-cnn", "r4": "leaky-cnn",
        "few": "paired-cnn", "gpu": "wide-paired-cnn", "ensemble": "wide-paired-cnn",
        "half-hour": "paired-cnn", "hour": "paired-cnn",
    }  # fmt: skip
    for params, metrics in found.values():
        assert params["train"]["cnn"]["epochs"] == 1
        for model in ("cnn", "dnn"):
            assert 0 < metrics["evaluate"][model]["accuracy"] < 1
    assert recipes.count("Running stage 'report'") == len(found)


def test_a_dnn_can_be_asked_for_by_the_size_of_the_cnn(project, recipes):
    _, metrics = shown(project)["r4"]
    sizes = [metrics[model][model]["parameters"] for model in ("cnn", "dnn")]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_the_workspace_stays_as_it_is(project, recipes):
    assert project.run("git", "status", "--porcelain") == ""
    assert not (project.folder / "artifacts" / "train" / "cnn").exists()
    assert not list((project.folder / ".dvc" / "tmp" / "exps" / "standalone").glob("tmp*"))


def test_the_record_knows_experiments_by_name(project, recipes):
    from mlflow import MlflowClient

    project.run("python", "-m", "pipeline.tracking", "wait", "--timeout", "120")
    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("image-sentiment")
    runs = client.search_runs([experiment.experiment_id], "tags.`dvc.experiment` = 'r4'")
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert (parent.info.run_name, parent.info.status) == ("r4", "FINISHED")
    assert parent.data.metrics["cnn.accuracy"] == pytest.approx(
        accuracy(shown(project)["r4"][1]), abs=1e-5
    )
    assert {"train@cnn", "evaluate"} <= {run.info.run_name for run in runs}


def test_a_grid_ends_in_its_table_and_is_not_run_twice(project, monkeypatch):
    monkeypatch.setitem(project.environment, "IMAGE_SENTIMENT_TRACKING", "off")
    output = project.run(*EXPERIMENTS, "grid", "rates")
    found = shown(project)
    names = {"rates-low-0", "rates-low-1", "rates-high-0", "rates-high-1"}
    assert names <= set(found)
    table = pd.read_csv(project.folder / "artifacts" / "grids" / "rates.csv").set_index("rate")
    assert list(table["seeds"]) == [2, 2]
    for arm in ("low", "high"):
        accuracies = [accuracy(found[f"rates-{arm}-{seed}"][1]) for seed in (0, 1)]
        assert table.loc[arm, "mean"] == pytest.approx(sum(accuracies) / 2, abs=1e-5)
    assert table.loc["high", "difference"] == pytest.approx(
        table.loc["high", "mean"] - table.loc["low", "mean"], abs=1e-5
    )
    assert "2 seeds are few" in " ".join(output.split())

    again = project.run(*EXPERIMENTS, "grid", "rates")
    assert again.count("done already") == 4
    assert "Running stage" not in again
    assert project.run("git", "status", "--porcelain") == ""


# One tiny stage in place of the study

STAGES = """
stages:
  evaluate:
    cmd: python work.py
    deps: ["${data.source}", work.py]
    params: [data, train]
    metrics:
      - artifacts/evaluate/metrics.json: {cache: false}
"""

WORK = """
import json, os, pathlib, sys, time
from ruamel.yaml import YAML
params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
epochs = params["train"]["cnn"]["epochs"]
if epochs == 13:
    sys.exit("bad luck")
if epochs == 99:
    print("slow starts", flush=True)
    time.sleep(60)
faces = pathlib.Path(params["data"]["source"]).read_text().count("face")
out = pathlib.Path("artifacts/evaluate/metrics.json")
out.parent.mkdir(parents=True, exist_ok=True)
scores = {"accuracy": epochs / 100, "faces": faces}
out.write_text(json.dumps({"cnn": scores, "dnn": scores}))
"""


@pytest.fixture
def tiny(tmp_path):
    project = new_project(tmp_path / "tiny")
    folder = project.folder
    project.environment["PYTHONPATH"] = str(ROOT)
    project.run("dvc", "init", "--quiet")
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "work.py").write_text(WORK)
    (folder / "data").mkdir()
    (folder / "data" / "sample").write_text("face")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    project.commit("tiny")
    return project


def run_r4(project, epochs, *more, expect=0):
    settings = ["-S", f"train.cnn.epochs={epochs}", *more]
    return project.run(*EXPERIMENTS, "run", "r4", *settings, expect=expect)


def test_an_experiment_is_replaced_if_the_new_one_succeeds_and_kept_if_not(tiny):
    run_r4(tiny, 10)
    output = run_r4(tiny, 13, expect=1)
    assert "bad luck" in output
    assert "experiments: failed: r4" in output
    assert accuracy(shown(tiny)["r4"][1]) == 0.1
    run_r4(tiny, 20)
    assert accuracy(shown(tiny)["r4"][1]) == 0.2


def test_what_is_done_is_done_until_the_code_the_faces_or_the_stages_change(tiny):
    faces = tiny.folder.parent / "faces.csv"
    faces.write_text("face face")
    elsewhere = ("-S", "data.source=../faces.csv")
    run_r4(tiny, 10, *elsewhere)
    params, metrics = shown(tiny)["r4"]
    assert params["data"]["source"] == str(faces)
    assert metrics["evaluate"]["cnn"]["faces"] == 2
    past = time.time() - 60
    os.utime(faces, (past, past))
    assert "done already" in run_r4(tiny, 10, *elsewhere)
    assert "Reproducing" in run_r4(tiny, 10, *elsewhere, "--to", "evaluate")

    faces.write_text("face face face")
    os.utime(faces, (time.time() + 60, time.time() + 60))
    run_r4(tiny, 10, *elsewhere)
    assert shown(tiny)["r4"][1]["evaluate"]["cnn"]["faces"] == 3

    os.utime(faces, (past, past))
    (tiny.folder / "dvc.yaml").write_text(STAGES + "\n# changed, not committed\n")
    assert "Reproducing" in run_r4(tiny, 10, *elsewhere)
    assert "done already" in run_r4(tiny, 10, *elsewhere)


def test_mistakes_are_named_before_dvc_starts(tiny):
    for more, message in (
        (["-S", "train.cnn.epoch=3"], "train.cnn.epoch is not known"),
        (["-S", "data.source=../nowhere"], "'../nowhere': no such file or folder"),
    ):
        output = run_r4(tiny, 10, *more, expect=1)
        assert message in output
        assert output.count("\n") == 1
    (tiny.folder / "pipeline").mkdir()
    (tiny.folder / "pipeline" / "new.py").touch()
    output = tiny.run(sys.executable, "-c", RUN_AS_MODULE, "run", "r4", expect=1)
    assert "pipeline/new.py: not known to git" in output


RUN_AS_MODULE = f"""
import sys
sys.path[0] = {str(ROOT)!r}  # not the folder named pipeline that lies here
from pipeline.experiments.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("told", ["by Ctrl-C", "by SIGTERM"])
def test_whoever_stops_it_leaves_nothing_running_and_nothing_changed(tiny, told):
    log = tiny.folder.parent / "log"
    command = [sys.executable, *EXPERIMENTS[1:], "run", "r4", "-S", "train.cnn.epochs=99"]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=tiny.folder, env=tiny.environment, stdout=output, stderr=output,
            start_new_session=True,
            # As under a terminal; what a shell runs in the background ignores the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
    ):  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while "slow starts" not in log.read_text():
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            family = psutil.Process(process.pid).children(recursive=True)
            assert len(family) >= 2  # dvc and the stage
            if told == "by Ctrl-C":
                os.killpg(process.pid, signal.SIGINT)  # what a terminal does
            else:
                process.terminate()
            assert process.wait(timeout=20) == (130 if told == "by Ctrl-C" else 143)
            _, alive = psutil.wait_procs(family, timeout=1)
            assert not alive
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert tiny.run("git", "status", "--porcelain") == ""
    assert shown(tiny) == {}
    assert not list((tiny.folder / ".dvc" / "tmp" / "exps" / "standalone").glob("tmp*"))
    assert "Traceback" not in log.read_text()
