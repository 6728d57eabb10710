"""Several processes train one network: a real `torchrun` with two processes on the CPU."""

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

pytestmark = pytest.mark.study

EXACT = {
    "epochs": 2, "dropout": 0.0, "precision": "float32", "optimiser": "sgd", "learning_rate": 0.02,
    "members": 2, "batch": 64, "mix": 0.5, "network": "compact-cnn",
}  # fmt: skip
"""Without dropout, which draws for each share apart; in full precision; not with AdamW, which makes
whole steps of what is nothing but rounding; without maxima, which rounding lets change places."""

FOLDER = "artifacts/train/cnn"


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together") / "image-sentiment"
    return finished.prepare(folder, {"train": {"cnn": EXACT}})


@pytest.fixture(scope="module")
def trained(project):
    """History and weights of a training in one process, then in two."""
    found = []
    for processes in ("1", "2"):
        project.environment["STUDY_PROCESSES"] = processes
        said = project.run("python", "-m", "pipeline", "train", "cnn")
        history = pd.read_csv(project.folder / FOLDER / "history.csv")
        weights = load_file(project.folder / FOLDER / "weights.safetensors")
        found.append((history, weights, said))
        for path in (project.folder / FOLDER).glob("*.*"):
            path.unlink()
    del project.environment["STUDY_PROCESSES"]
    return found


def test_two_processes_follow_the_same_curve_as_one(trained):
    (alone, _, _), (together, _, _) = trained
    assert list(alone["epoch"]) == list(together["epoch"]) == [1, 2]
    for name in ("train_loss", "validation_loss"):
        torch.testing.assert_close(
            torch.tensor(alone[name].to_numpy()), torch.tensor(together[name].to_numpy()),
            rtol=2e-4, atol=0,  # without common statistics of BatchNorm: 1e-3
        )  # fmt: skip
    assert alone["train_loss"].iloc[-1] < alone["train_loss"].iloc[0]


def test_the_weights_that_one_process_keeps_are_those_of_all(trained):
    (_, alone, _), (_, together, said) = trained
    assert alone.keys() == together.keys()  # no prefix of a wrapper
    for name in (found for found in alone if found.endswith(("running_mean", "running_var"))):
        assert (alone[name] - together[name]).norm() < 0.02 * alone[name].norm()
    assert said.count("epoch 2") >= 1


def test_one_record_and_no_checkpoint_is_left(project, trained):
    from mlflow import MlflowClient

    project.run("python", "-m", "pipeline.tracking", "wait", "--timeout", "120")
    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("image-sentiment")
    runs = client.search_runs([experiment.experiment_id], "attributes.run_name = 'train@cnn'")
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
    assert [run.data.tags["processes"] for run in runs] == ["2", "1"]
    for run in runs:
        history = client.get_metric_history(run.info.run_id, "train_loss")
        assert [point.step for point in history] == [1, 2]
    assert not list((project.folder / ".checkpoints").glob("train-cnn/*"))


def test_a_batch_that_cannot_be_shared_is_named(project):
    project.environment["STUDY_PROCESSES"] = "3"
    try:
        said = project.run("python", "-m", "pipeline", "train", "cnn", expect=1)
    finally:
        del project.environment["STUDY_PROCESSES"]
    assert "batch = 64: 3 processes train together 2 members; should be a multiple of 6" in said


def test_an_impossible_number_of_processes_is_named(project):
    project.environment["STUDY_PROCESSES"] = "two"
    try:
        said = project.run("python", "-m", "pipeline", "train", "cnn", expect=1)
    finally:
        del project.environment["STUDY_PROCESSES"]
    assert "STUDY_PROCESSES = 'two': should be a whole number" in said
    assert "Traceback" not in said
