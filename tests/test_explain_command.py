"""`python -m pipeline.explain`: the study's models, a folder's, and what MLflow keeps of a run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from filelock import FileLock

from pipeline import disk, explain, layout
from pipeline.dvc_yaml import find_entry
from pipeline.evaluate import stage as evaluate
from pipeline.explaining.subject import read_test_faces
from pipeline.faces.photographs import Photographs, write_photographs
from pipeline.files import write_parquet
from pipeline.networks.store import load_classifier
from pipeline.params import load
from pipeline.record.address import find_address
from pipeline.record.spool import Spool
from pipeline.record.stage_run import stage_run
from pipeline.record.uploader import Uploader
from pipeline.shell import Stage
from pipeline.stale import EMPTY
from pipeline.train import stage as train

from .conftest import ROOT
from .written import write_faces

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
    pixels = np.random.default_rng(0).integers(0, 256, (FACES, 48, 48), dtype=np.uint8)
    write_faces(np.arange(FACES) % 7, pixels)
    write_photographs(layout.PHOTOGRAPHS, Photographs(np.arange(FACES), np.arange(0)))
    np.savez(layout.REGIONS)  # where brows, eyes and mouth are is not known
    parts = np.repeat(["train", "validation", "test"], FACES // 3)
    write_parquet(layout.SPLIT, pd.DataFrame({"face": range(FACES), "part": parts}))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A project whose stages have run and are recorded in an MLflow; gives the runs by stage."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
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
                with stage_run(name, {}, meta=find_entry(name).record) as record:
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
    assert err == ("" if words[0] in ("cnn", "dnn") else f"{explain.PERHAPS_SEEN}\n")
    return [Path(line) for line in out.splitlines()]


def refused(capsys, *words):
    """The one line that a command says instead of working."""
    with pytest.raises(SystemExit, match="1"):
        explain.main([*words])
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


@pytest.mark.parametrize(
    ("model", "named", "of"),
    [
        (f"models:/{NAME}@best", f"{NAME}@best", "train@cnn"),
        (f"models:/{NAME}/1", f"{NAME}-1", "train@cnn"),
        ("runs:/train@cnn", None, "train@cnn"),
        ("runs:/train@dnn", None, "train@dnn"),
        ("runs:/evaluate", None, "train@cnn"),
    ],
)
def test_what_mlflow_keeps_of_a_model_is_explained(runs, capsys, tmp_path, model, named, of):
    expected = answers(layout.folder(of))
    address = f"runs:/{runs[model.removeprefix('runs:/')]}" if named is None else model
    kept = layout.folder(of).rename(tmp_path / "elsewhere")  # it is not read from here
    try:
        (confusion,) = explained(capsys, address, "confusion")
    finally:
        kept.rename(layout.folder(of))
    assert json.loads(confusion.read_text())["counts"] == expected
    assert confusion.parent.parent == Path("explained")
    assert confusion.parent.name == (named or address.removeprefix("runs:/"))
    assert answers(layout.folder("train@cnn")) != answers(layout.folder("train@dnn"))


def test_what_is_not_there_is_named_in_one_line(runs, capsys, tmp_path):
    (tmp_path / "file").touch()
    for words, line in (
        (["nobody"], "no such model; allowed: cnn, dnn, a folder"),
        ([str(tmp_path)], "no trained model here"),
        (["cnn", "lemon"], "'lemon' is not known; choose from: confusion, saliency, lime, filters"),
        (["cnn", "lime", "--to", str(tmp_path / "file")], "not a folder"),
        (["models:/nothing"], "models:/NAME@ALIAS"),
        (["models:/nothing@best"], "not found"),
        ([f"models:/{NAME}/99"], "not found"),
        ([f"models:/{NAME}@worst"], "not found"),
        (["runs:/" + "0" * 32], "not found"),
        ([f"runs:/{runs['confusion']}"], "keeps no weights.safetensors and no model.json"),
    ):
        assert line in refused(capsys, *words)


def test_after_another_split_a_model_may_have_seen_the_faces_and_without_one_there_are_none(
    runs, capsys
):
    trained, split = layout.metrics("train@dnn"), layout.metrics("split")
    kept = trained.read_bytes()
    try:
        trained.write_text(EMPTY)
        assert explain.main(["dnn", "confusion"]) == 0
        assert capsys.readouterr().err == f"{explain.PERHAPS_SEEN}\n"
        disk.write_text(split, EMPTY)
        said = refused(capsys, "dnn", "confusion")
    finally:
        trained.write_bytes(kept)
        split.unlink(missing_ok=True)
    assert "artifacts/split: of other parameters or faces than are here now" in said
    assert "`dvc repro split`" in said


def test_a_place_that_cannot_be_written_to_is_one_line(runs, tmp_path, capsys):
    (tmp_path / "file").touch()
    said = refused(capsys, "cnn", "confusion", "--to", str(tmp_path / "file/new"))
    assert f"{tmp_path}/file/new/confusion: not a directory; name another place" in said


def test_without_faces_or_a_record_nothing_is_explained_and_none_is_made(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    assert "split.parquet: no such file" in refused(capsys, "cnn", "lime")
    write_project(tmp_path)
    assert "there is no sqlite" in refused(capsys, "models:/faces@best")
    assert not list(tmp_path.glob("mlflow*"))
