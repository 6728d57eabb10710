"""`python -m pipeline.explain`: the study's models, a folder's, and what MLflow keeps of a run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from filelock import FileLock

from pipeline import explain, layout
from pipeline.errors import UserError
from pipeline.evaluate import stage as evaluate
from pipeline.explaining.subject import read_test_faces
from pipeline.faces.batch import Batch
from pipeline.faces.store import FaceWriter
from pipeline.files import write_parquet
from pipeline.networks.store import load_classifier
from pipeline.params import load
from pipeline.record.address import find_address
from pipeline.record.spool import Spool
from pipeline.record.stage_run import stage_run
from pipeline.record.uploader import Uploader
from pipeline.shell import Stage
from pipeline.train import stage as train

from .conftest import ROOT

pytestmark = pytest.mark.study

FACES = 105
NAME = "image-sentiment-cnn"


def write_project(folder):
    """Faces with a split, and parameters that take little time."""
    shutil.copy(ROOT / "dvc.yaml", folder)
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for model, network in (("cnn", "leaky-cnn"), ("dnn", "small-dnn")):
        values["train"][model] |= {"network": network, "epochs": 1, "batch": 16}
    values["train"]["dnn"] |= {"match": "dnn", "seed": 5}
    values["evaluate"]["resamples"] = 100
    values["lime"] |= {"segments": 9, "samples": 20, "marked": 2}
    values["saliency"] |= {"samples": 2, "steps": 2, "faces": 8, "random": 1}
    values["class_images"]["steps"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    labels = np.arange(FACES) % 7
    pixels = np.random.default_rng(0).integers(0, 256, (FACES, 48, 48), dtype=np.uint8)
    with FaceWriter(layout.LABELLED) as writer:
        writer.append(
            Batch(
                pixels, labels.astype(np.int8), [None] * FACES, np.arange(FACES) + 1,
                np.arange(FACES), [None] * FACES,
            )
        )  # fmt: skip
    parts = np.repeat(["train", "validation", "test"], FACES // 3)
    write_parquet(layout.SPLIT, pd.DataFrame({"face": range(FACES), "part": parts}))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A project whose stages have run and are recorded in an MLflow; gives the runs by stage."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        patch.chdir(folder)
        for name in ("DVC_ROOT", "IMAGE_SENTIMENT_TRACKING", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        write_project(folder)
        params, spool, address = load(), Spool(folder), find_address(folder)
        with FileLock(spool.lock(address)):  # this process is the recorder
            for name, work in {
                "train@cnn": train.work,
                "train@dnn": train.work,
                "evaluate": evaluate.work,
                "confusion": lambda _: None,
            }.items():
                layout.folder(name).mkdir(parents=True)
                with stage_run(name, {}) as record:
                    work(Stage(name, params, record))
            identities = {each.run.stage: each.run.identity for each in spool.entries()}
            uploader = Uploader(spool, address)
            uploader.upload_all()
        yield {name: uploader.store.find(each) for name, each in identities.items()}


def answers(folder):
    """What a trained model says of the test faces, as its confusion matrix tells it."""
    faces = read_test_faces()
    views = load().evaluate.tta
    probabilities = evaluate.predict_probabilities(load_classifier(folder), faces.pixels, views)
    counts = np.zeros((7, 7), int)
    np.add.at(counts, (faces.labels, probabilities.argmax(axis=1)), 1)
    return counts.tolist()


def explained(capsys, *words):
    """The files that a command names, in the order that it names them."""
    assert explain.main([*words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [Path(line) for line in out.splitlines()]


def refused(capsys, *words):
    """The one line that a command says instead of working."""
    assert explain.main([*words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("explain: error: ")
    return err


def test_the_studys_own_models(runs, capsys):
    confusion, saliency, lime, filters, images = explained(capsys, "dnn")
    assert confusion == Path("explained/dnn/confusion.json")
    assert json.loads(confusion.read_text())["counts"] == answers(layout.folder("train@dnn"))
    assert json.loads(confusion.read_text())["pull"].keys() == {"sad", "neutral"}
    assert json.loads(saliency.read_text())["deletion"]
    assert len(json.loads(lime.read_text())["faces"]) == 7
    assert "no filters" in json.loads(filters.read_text())["note"]
    assert len(json.loads(images.read_text())["classes"]) == 7
    for picture in (
        "confusion/confusion.svg", "confusion/confusion-negative.svg", "saliency/deletion.svg",
        "lime/lime.svg", "class_images/classes.svg",
    ):  # fmt: skip
        assert Path("explained/dnn", picture).is_file()


def test_a_folder_and_where_to(runs, capsys, tmp_path):
    mine = shutil.copytree(layout.folder("train@cnn"), tmp_path / "mine")
    for of in ("a", "b"):
        (found,) = explained(capsys, str(shutil.copytree(mine, tmp_path / of / "cnn")), "confusion")
        assert found == Path("explained") / f"{of}-cnn" / "confusion.json"
    (lime,) = explained(capsys, str(mine), "lime", "--to", str(tmp_path / "new" / "results"))
    assert lime == tmp_path / "new" / "results" / "lime.json"
    (again,) = explained(capsys, "cnn", "lime", "--to", str(tmp_path))
    assert again.read_bytes() == lime.read_bytes()


@pytest.mark.parametrize("address", [f"models:/{NAME}@best", f"models:/{NAME}/1"])
def test_a_registered_model_is_the_studys_cnn(runs, capsys, tmp_path, address):
    kept = layout.folder("train@cnn").rename(tmp_path / "elsewhere")
    try:
        (confusion,) = explained(capsys, address, "confusion")
        assert json.loads(confusion.read_text())["counts"] == answers(kept)
    finally:
        kept.rename(layout.folder("train@cnn"))
    assert confusion.parent.parent == Path("explained")
    assert confusion.parent.name == address.removeprefix("models:/").replace("/", "-")


@pytest.mark.parametrize("stage", ["train@cnn", "train@dnn", "evaluate"])
def test_every_run_with_a_model_keeps_its_weights(runs, capsys, stage):
    (confusion,) = explained(capsys, f"runs:/{runs[stage]}", "confusion")
    of = stage if stage != "evaluate" else "train@cnn"
    assert json.loads(confusion.read_text())["counts"] == answers(layout.folder(of))
    assert answers(layout.folder("train@cnn")) != answers(layout.folder("train@dnn"))


def test_a_wrong_address_is_named_in_one_line(runs, capsys):
    assert "models:/NAME@ALIAS" in refused(capsys, "models:/nothing")
    assert "not found" in refused(capsys, "models:/nothing@best")
    assert "not found" in refused(capsys, f"models:/{NAME}/99")
    assert "not found" in refused(capsys, f"models:/{NAME}@worst")
    assert "not found" in refused(capsys, "runs:/" + "0" * 32)
    without = refused(capsys, f"runs:/{runs['confusion']}")
    assert "keeps no weights.safetensors and no model.json" in without


def test_what_is_not_there_is_named_in_one_line(runs, capsys, tmp_path):
    assert "no such model; allowed: cnn, dnn, a folder" in refused(capsys, "nobody")
    assert "no trained model here" in refused(capsys, str(tmp_path))
    assert "'lemon' is not known; choose from: confusion, " in refused(capsys, "cnn", "lemon")
    (tmp_path / "file").touch()
    assert "not a folder" in refused(capsys, "cnn", "lime", "--to", str(tmp_path / "file"))


def test_without_faces_there_is_nothing_to_explain_it_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with pytest.raises(UserError, match=r"split\.parquet: no such file"):
        explain.explain("cnn", ["lime"])


def test_looking_for_a_record_makes_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_project(tmp_path)
    assert "there is no sqlite" in refused(capsys, "models:/faces@best")
    assert not list(tmp_path.glob("mlflow*"))
