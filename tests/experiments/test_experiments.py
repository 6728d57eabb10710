"""Recipes and grids as DVC experiments: through real dvc, on the study and on one tiny stage."""

import os
import shutil
import signal
import sys

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import yaml

from pipeline.experiments.flops import CPU
from pipeline.params import MODELS
from pipeline.train.classifier import new_classifier
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification

from ..conftest import ROOT
from ..project import in_terminal, new_project, wait_for
from .test_recipes import NAMES, configured

pytestmark = pytest.mark.study

EXPERIMENTS = ("python", "-m", "pipeline.experiments")

SHORT = {
    "train.cnn.epochs": 1,
    "train.dnn.epochs": 1,
    "semisupervised.autoencoder.epochs": 1,
    "semisupervised.classifier.epochs": 1,
    "semisupervised.seeds": 1,
    "sample.faces": 1200,
    "evaluate.tta.shift": 0,
    "saliency.faces": 8,
    "saliency.samples": 2,
    "saliency.steps": 4,
    "lime.samples": 60,
    "filters.steps": 4,
    "class_images.steps": 4,
}
"""Settings of any recipe with which all its stages run in a minute."""

GRID = """
title: How long?
measure: cnn.accuracy
stages: [evaluate]
vary:
  length:
    short: {train: {cnn: {epochs: 10}}}
    long: {train: {cnn: {epochs: 20}}}
seeds: {keys: [train.cnn.seed], values: [0, 1]}
"""


OTHER = """
title: As params.yaml, but split otherwise
overrides: {split: {seed: 3}}
"""


def accuracy(metrics):
    return metrics["evaluate"]["cnn"]["accuracy"]


# Each recipe's networks


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(0, 256, (8, 1, 48, 48), dtype=np.uint8)).squeeze(1)
    return FaceSet(pixels, torch.arange(8) % 7)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_the_networks_of_every_recipe_learn_from_a_batch(name, model, faces):
    """As the stage would train them, but for one step."""
    found = configured(name).params
    one_step = {"epochs": 1, "batch": len(faces)}
    settings = getattr(found.train, model).model_copy(update=one_step)
    classifier = new_classifier(found, model, faces)
    before = {key: value.clone() for key, value in classifier.named_parameters()}
    task = Classification.of(settings)
    progress = fit(classifier, task, faces, faces, settings, CPU)
    (row,) = progress.history  # its loss is finite, or `fit` had raised
    assert row["train_loss"] > 0
    still = [key for key, value in classifier.named_parameters() if torch.equal(value, before[key])]
    assert not still


# The study


def test_a_recipe_runs_as_the_experiment_of_its_name_and_is_recorded_so(tmp_path, finished):
    project = finished.prepare(tmp_path / "image-sentiment")
    (project.folder / "recipes" / "other.yaml").write_text(OTHER)
    project.commit("results")
    output = project.run(*EXPERIMENTS, "run", "other", "--to", "split")
    ran = [line for line in output.splitlines() if line.startswith("Running stage")]
    assert ran == ["Running stage 'settings':", "Running stage 'split':"]
    params, metrics = project.shown()["other"]
    assert params["split"]["seed"] == 3
    assert metrics["split"]["split"]["train"] > 0
    assert is_untouched(project)

    project.wait_for_record()
    _, runs = project.recorded("tags.`dvc.experiment` = 'other'")
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert (parent.info.run_name, parent.info.status) == ("other", "FINISHED")
    stages = {run.info.run_name: run for run in runs if run is not parent}
    assert set(stages) == {"settings", "split"}
    assert stages["split"].data.params["seed"] == "3"


@pytest.mark.nightly
def test_one_command_runs_every_recipe(tmp_path, finished):
    project = finished.prepare(tmp_path / "image-sentiment", upto="report")
    project.commit("results")
    settings = [word for name, value in SHORT.items() for word in ("-S", f"{name}={value}")]
    output = project.run(*EXPERIMENTS, "all", *settings, seconds=7200)
    found = project.shown()
    assert found.keys() >= set(NAMES)
    for name in NAMES:
        used, metrics = found[name]
        expected = configured(name).params.train
        for model in MODELS:
            assert used["train"][model]["network"] == getattr(expected, model).network
            assert used["train"][model]["epochs"] == 1
            assert 0 < metrics["evaluate"][model]["accuracy"] < 1
    assert output.count("Running stage 'report'") == len(NAMES)


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
epochs, seed = (params["train"]["cnn"][key] for key in ("epochs", "seed"))
if epochs == 13:
    sys.exit("bad luck")
if epochs == 99:
    print("slow starts", flush=True)
    time.sleep(60)
faces = pathlib.Path(params["data"]["source"]).read_text().count("face")
out = pathlib.Path("artifacts/evaluate/metrics.json")
out.parent.mkdir(parents=True, exist_ok=True)
scores = {"accuracy": (epochs + seed) / 100, "faces": faces}
out.write_text(json.dumps({"cnn": scores, "dnn": scores}))
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A project of one stage; each test leaves its files as they were."""
    project = new_project(tmp_path_factory.mktemp("tiny") / "tiny")
    folder = project.folder
    project.environment["PYTHONPATH"] = str(ROOT)
    project.run("dvc", "init", "--quiet")
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "work.py").write_text(WORK)
    (folder / "data").mkdir()
    (folder / "data" / "sample").write_text("face")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    (folder / "recipes" / "same.yaml").write_text("title: As params.yaml\noverrides: {}\n")
    (folder / "grids").mkdir()
    (folder / "grids" / "lengths.yaml").write_text(GRID)
    (folder / ".gitignore").write_text("/artifacts/grids/\n")
    project.commit("tiny")
    return project


def run_r4(project, epochs, *more, expect=0):
    settings = ["-S", f"train.cnn.epochs={epochs}", *more]
    return project.run(*EXPERIMENTS, "run", "r4", *settings, expect=expect)


def is_untouched(project):
    """Whether the workspace is as it was, and nothing is left of DVC's copies."""
    copies = (project.folder / ".dvc" / "tmp" / "exps" / "standalone").glob("tmp*")
    return project.run("git", "status", "--porcelain") == "" and not list(copies)


def test_an_experiment_without_a_change_takes_the_place_of_the_former_one(tiny):
    for settings in (["-S", "train.cnn.epochs=10"], []):
        tiny.run(*EXPERIMENTS, "run", "same", *settings)
        assert "same" in tiny.shown()
    assert tiny.shown()["same"][0] == yaml.safe_load((tiny.folder / "params.yaml").read_text())


def test_an_experiment_is_replaced_if_the_new_one_succeeds_and_kept_if_not(tiny):
    run_r4(tiny, 10)
    output = run_r4(tiny, 13, expect=1)
    assert "bad luck" in output
    assert "experiments: failed: r4" in output
    assert "10.0" not in output  # the former one's accuracy, which this one has not
    assert accuracy(tiny.shown()["r4"][1]) == 0.1
    run_r4(tiny, 30)
    assert accuracy(tiny.shown()["r4"][1]) == 0.3
    # Its columns by name: headline metrics, and parameters that differ from params.yaml.
    table = tiny.run("env", "COLUMNS=4000", *EXPERIMENTS, "show")
    head = next(line for line in table.splitlines() if "Experiment" in line).split()
    assert {"Experiment", "cnn.accuracy", "train.cnn.epochs"} <= set(head)
    assert not {"cnn.faces", "data.on_bad_row", "Created"} & set(head)


def test_dvc_repeats_nothing_until_the_code_or_the_faces_change(tiny):
    faces = tiny.folder.parent / "faces.csv"
    faces.write_text("face face")
    elsewhere = ("-S", "data.source=../faces.csv")
    run_r4(tiny, 10, *elsewhere)
    params, metrics = tiny.shown()["r4"]
    assert params["data"]["source"] == str(faces)
    assert metrics["evaluate"]["cnn"]["faces"] == 2
    assert "'evaluate' is cached - skipping run" in run_r4(tiny, 10, *elsewhere)

    faces.write_text("face face face")
    assert "Running stage 'evaluate'" in run_r4(tiny, 10, *elsewhere)
    assert tiny.shown()["r4"][1]["evaluate"]["cnn"]["faces"] == 3

    (tiny.folder / "work.py").write_text(WORK + "# changed, not committed\n")
    assert "Running stage 'evaluate'" in run_r4(tiny, 10, *elsewhere)
    (tiny.folder / "work.py").write_text(WORK)


def test_a_grid_ends_in_its_table_and_is_not_run_twice(tiny):
    output = tiny.run(*EXPERIMENTS, "grid", "lengths")
    names = {f"lengths-{arm}-{seed}" for arm in ("short", "long") for seed in (0, 1)}
    found = tiny.shown()
    assert found.keys() >= names
    table = pd.read_csv(tiny.folder / "artifacts" / "grids" / "lengths.csv").set_index("length")
    assert list(table["seeds"]) == [2, 2]
    for arm, mean in (("short", 0.105), ("long", 0.205)):
        accuracies = [accuracy(found[f"lengths-{arm}-{seed}"][1]) for seed in (0, 1)]
        assert table.loc[arm, "mean"] == pytest.approx(mean)
        assert sum(accuracies) / 2 == pytest.approx(mean)
    assert table.loc["long", "difference"] == pytest.approx(0.1)
    assert "2 seeds are few" in " ".join(output.split())

    again = tiny.run(*EXPERIMENTS, "grid", "lengths")
    assert again.count("is cached - skipping run") == 4
    assert "Running stage" not in again
    assert is_untouched(tiny)


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
    shutil.rmtree(tiny.folder / "pipeline")


RUN_AS_MODULE = f"""
import sys
sys.path[0] = {str(ROOT)!r}  # not the folder named pipeline that is here
from pipeline.experiments.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("sent", ["Ctrl-C", "SIGTERM"])
def test_a_signal_leaves_nothing_running_and_nothing_changed(tiny, sent):
    before, log = tiny.shown(), tiny.folder.parent / "log"
    command = [sys.executable, *EXPERIMENTS[1:], "run", "r4", "-S", "train.cnn.epochs=99"]
    with (
        log.open("w") as output,
        in_terminal(
            command, cwd=tiny.folder, env=tiny.environment, stdout=output, stderr=output
        ) as process,
    ):  # fmt: skip
        wait_for(lambda: "slow starts" in log.read_text(), explain=log.read_text)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 2  # dvc and the stage
        if sent == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        else:
            process.terminate()
        assert process.wait(timeout=50) == (130 if sent == "Ctrl-C" else 143)
        _, alive = psutil.wait_procs(family, timeout=1)
        assert not alive
    assert is_untouched(tiny)
    assert tiny.shown() == before
    assert "Traceback" not in log.read_text()
