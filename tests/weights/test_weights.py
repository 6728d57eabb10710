"""The network at hand answers before anything is trained, and its card says what is so."""

import hashlib
import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file

from pipeline import layout
from pipeline.networks.networks import count_parameters
from pipeline.networks.store import WEIGHTS, load_classifier
from pipeline.stale import EMPTY
from pipeline.weights import card

from ..conftest import ROOT
from ..project import clone_project
from ..test_documents import git


@pytest.fixture
def at_hand(monkeypatch):
    monkeypatch.chdir(ROOT)
    return card.read()


def test_the_card_for_people_says_what_was_measured_of_these_very_weights(at_hand):
    assert card.FOR_PEOPLE.read_text() == card.render(at_hand)
    weights = (layout.WEIGHTS / WEIGHTS).read_bytes()
    assert hashlib.md5(weights).hexdigest() == at_hand.md5  # noqa: S324 (no secret)
    assert count_parameters(load_classifier(layout.WEIGHTS)) == at_hand.evaluated.parameters
    tempered = json.loads((layout.WEIGHTS / layout.CALIBRATION.name).read_text())
    assert tempered["temperature"] == at_hand.evaluated.calibration.temperature
    assert tempered["tta"] == at_hand.tta.model_dump()
    assert sum(at_hand.faces.classes.values()) == at_hand.faces.faces
    assert (
        sum(each.faces for each in at_hand.evaluated.test.per_class.values()) == at_hand.parts.test
    )
    for word in ("must not be used for", "Licence", "near-copies", "has not been\nmeasured"):
        assert word in card.FOR_PEOPLE.read_text()


def test_it_was_made_by_a_recipe_that_is_there_at_its_revision(at_hand):
    if git("cat-file", "-e", f"{at_hand.revision}^{{commit}}") is None:
        pytest.skip("this copy of the project has no history that reaches back to it")
    (recipe,) = re.findall(r"pipeline\.experiments run ([\w-]+)", at_hand.command)
    assert git("show", f"{at_hand.revision}:recipes/{recipe}.yaml")


@pytest.mark.study
def test_the_studys_network_is_kept_at_hand_in_half_the_bytes_with_a_card(finished, tmp_path):
    project = finished.prepare(tmp_path / "study", upto="report")
    shutil.rmtree(project.folder / "weights", ignore_errors=True)
    command = "python -m pipeline.experiments run half-hour"
    keep = ("python", "-m", "pipeline.weights", "--origin", "drawn by the study", "--at", "abc1234")
    project.run(*keep, "--made-by", command)
    kept = load_file(project.folder / "weights" / WEIGHTS)
    trained = load_file(project.folder / "artifacts/train/cnn" / WEIGHTS)
    for name, value in trained.items():
        is_number = value.is_floating_point()
        assert torch.equal(kept[name], value.to(torch.bfloat16) if is_number else value)
    written = json.loads((project.folder / "weights/card.json").read_text())
    test = project.json("artifacts/evaluate/scores.json")["cnn"]["test"]
    assert abs(written["evaluated"]["test"]["accuracy"] - test["accuracy"]) < 0.1
    rounding = written["rounding"]
    assert rounding["kept_only"] + rounding["trained_only"] <= 0.1 * written["parts"]["test"]
    assert rounding["changed"]["value"] < 0.1
    assert abs(rounding["log_loss"]) < 0.1
    assert written["parts"] == project.json("artifacts/split/metrics.json")["split"]
    page = (project.folder / "weights/README.md").read_text()
    assert f"`{command}` at `abc1234`" in page
    assert "labelled faces: drawn by the study." in page
    # Other parts than those of its training are here: it may have seen what are test faces now.
    metrics = project.folder / layout.metrics("train@cnn")
    trained_with = metrics.read_text()
    metrics.write_text(EMPTY)
    assert "`dvc repro train@cnn`" in project.run(*keep, "--made-by", "no", expect=1)
    metrics.write_text(trained_with)
    (project.folder / "data/photographs.parquet").unlink()
    project.run(*keep, "--made-by", "no", expect=1)
    assert (project.folder / "weights/README.md").read_text() == page
    assert len(list((project.folder / "weights").iterdir())) == 5


@pytest.mark.study
def test_dvc_finds_it_as_an_artifact_where_a_commit_is_tagged(tmp_path):
    project = clone_project(tmp_path / "clone", {})
    project.run("git", "tag", "face-expressions@v1.0.0", "--message", "weights")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    got = str(elsewhere / "got.safetensors")
    project.run("dvc", "artifacts", "get", str(project.folder), "face-expressions", "-o", got)
    assert (elsewhere / "got.safetensors").read_bytes() == (
        ROOT / layout.WEIGHTS / WEIGHTS
    ).read_bytes()
