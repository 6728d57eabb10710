"""What the trainings of the study cost, in operations: the figure in benchmarks/work.json holds."""

import json
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.experiments.__main__ import main
from pipeline.experiments.flops import CPU, Sizes, count_trainings
from pipeline.experiments.recipes import configure, read_recipe
from pipeline.networks.classifier import Classifier
from pipeline.networks.matching import design
from pipeline.semisupervised.trainings import lesson, new_classifier
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification

from ..conftest import ROOT

MOST = 12.0
"""TFLOP of all trainings of the sample study: minutes on two ordinary cores."""


def faces(count):
    return FaceSet(torch.zeros(count, 48, 48, dtype=torch.uint8), torch.arange(count) % 7)


def test_the_sample_study_stays_within_its_work(params):
    sizes = Sizes.of(params, params.sample.faces, params.sample.unlabelled)
    found = count_trainings(params, sizes)
    noted = json.loads((ROOT / "benchmarks" / "work.json").read_text())
    assert {name: round(each / 1e12, 3) for name, each in found.items()} == noted, (
        "params.yaml costs another number of operations: python benchmarks/work.py --json"
    )
    assert sum(found.values()) <= MOST * 1e12


def test_the_command_gives_the_work_of_recipes_that_are_named(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    asked = ["experiments", "times", "few", "r4", "--faces", "7000", "--unlabelled", "0"]
    monkeypatch.setattr(sys, "argv", asked)
    assert main() == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == "Trainings on 7,000 faces, by this machine's CPU:"
    shown = {row.split()[0]: row.split()[-1] for row in rows if "about" in row}
    params = {each: configure(each, [read_recipe(each).overrides], each).params for each in shown}
    work = {each: count_trainings(params[each], Sizes.of(params[each], 7000, 0)) for each in params}
    assert shown == {each: f"{sum(work[each].values()) / 1e12:,.0f}" for each in ("few", "r4")}


def operations(model, objective, train, settings):
    """Torch's own count of a whole training; `flops` has counted a part of one."""
    with FlopCounterMode(display=False) as counter:
        fit(model, objective, train, faces(21), settings, CPU)
    return pytest.approx(counter.get_total_flops(), rel=1e-6)


@pytest.mark.parametrize("ensemble", [pytest.param(1, marks=pytest.mark.study), 2])
def test_the_count_is_that_of_a_real_training(changed, ensemble):
    short = changed(train={"cnn": {"epochs": 2, "batch": 32, "ensemble": ensemble}})
    cnn = short.train.cnn
    real = operations(Classifier(design(cnn, 0)), Classification.of(cnn), faces(100), cnn)
    assert count_trainings(short, Sizes(100, 21, 0))["train@cnn"] == real


@pytest.mark.parametrize(
    "name", [pytest.param("labelled_only", marks=pytest.mark.study), "consistent"]
)
def test_what_stands_beside_a_batch_is_counted_too_and_every_seed(changed, name):
    short = changed(semisupervised={"seeds": 2, "classifier": {"epochs": 2, "batch": 32}})
    settings = short.semisupervised
    objective, shown = lesson(name, settings, faces(100), faces(40))
    assert len(shown) == 100
    real = operations(new_classifier(settings, None), objective, shown, settings.classifier)
    assert count_trainings(short, Sizes(90, 21, 10))[f"semisupervised.{name}"] / 2 == real
