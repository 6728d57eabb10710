"""Recipes and grids: what they hold, how they are checked, and what a grid's report says."""

import os
import shutil
from contextlib import chdir
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import ttest_1samp

from pipeline.dotted_keys import flatten
from pipeline.driver.experiment_runs import quote
from pipeline.errors import UserError
from pipeline.experiments.grid_report import write_markdown
from pipeline.experiments.grid_statistics import summarise
from pipeline.experiments.grids import GRIDS, GridFile, combine, read_grid
from pipeline.experiments.recipes import (
    RECIPES,
    check_source,
    configure,
    list_files,
    parse_assignment,
    read_recipe,
)
from pipeline.filters.activations import find_layer
from pipeline.networks.networks import build_network
from pipeline.params import parse
from pipeline.split.split import split_faces
from pipeline.training.selection import epoch_chosen_on

from ..conftest import ROOT

NAMES = list_files(ROOT / "recipes")


def configured(name):
    with chdir(ROOT):
        return configure(name, [read_recipe(name).overrides], name)


def params_that_dvc_makes(folder, settings):
    """params.yaml as DVC changes it for an experiment."""
    from dvc.utils.hydra import apply_overrides
    from dvc.utils.serialize import load_yaml

    path = folder / "params.yaml"
    apply_overrides(path, [f"{key}={quote(value)}" for key, value in settings.items()])
    return load_yaml(str(path))


@pytest.fixture
def in_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def in_own(tmp_path, monkeypatch):
    """In a project with the study's parameters, and no recipe and no grid yet."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for folder in (RECIPES, GRIDS):
        folder.mkdir()


# Recipes


def test_there_is_one_recipe_a_report_beside_the_study_s_own():
    own = ["ensemble", "few", "gpu", "half-hour", "hour"]
    assert [*own, "r0", "r1", "r2", "r4", "real-faces"] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_complete_honest_and_what_dvc_runs(name, params, in_project, tmp_path):
    recipe, configuration = read_recipe(name), configured(name)
    found = configuration.params
    assert recipe.title
    # It says by itself all that decides a figure, but for data and sample, which are the user's: so
    # it does not change with the settings of the sample study.
    every = flatten(params.model_dump(exclude={"data", "sample", "machine"}))
    assert every.keys() <= flatten(recipe.overrides).keys()
    assert found != params

    assert found.split.copies_together
    assert found.split.validation == 0.5  # chosen by as many faces as measured on
    if found.split.refit_fraction:  # then nothing may be chosen by the few faces that are left
        assert epoch_chosen_on(found.train.cnn) == epoch_chosen_on(found.train.dnn) == "none"
        assert not name.startswith("r")

    network = build_network(found.train.cnn.network)
    build_network(found.train.dnn.network)
    for layer in found.filters.layers if found.filters.layers != "auto" else ():
        find_layer(network, layer)

    shutil.copy(ROOT / "params.yaml", tmp_path)
    assert parse(params_that_dvc_makes(tmp_path, flatten(configuration.changes))) == found


def test_a_recipe_extends_another_and_has_the_last_word(in_own):
    for name, text in {
        "one": "overrides: {train: {cnn: {epochs: 1, batch: 8}, dnn: {epochs: 1}}}",
        "two": "extends: one\noverrides: {train: {cnn: {epochs: 2}}}",
        "three": "extends: two\noverrides: {split: {seed: 3}}",
        "round": "extends: about\noverrides: {}",
        "about": "extends: round\noverrides: {}",
        "lost": "extends: nowhere\noverrides: {}",
    }.items():
        (RECIPES / f"{name}.yaml").write_text(f"title: {name}\n{text}\n")
    found = read_recipe("three")
    assert found.title == "three"
    assert found.overrides == {
        "train": {"cnn": {"epochs": 2, "batch": 8}, "dnn": {"epochs": 1}}, "split": {"seed": 3}
    }  # fmt: skip
    with pytest.raises(UserError, match="recipe round extends about extends 'round': a circle"):
        read_recipe("round")
    with pytest.raises(UserError, match="recipe 'nowhere' is not known; choose one of: about"):
        read_recipe("lost")


def test_r4_trains_on_the_first_25_000_rows():
    faces = pd.DataFrame({"label": 0, "photograph": range(28_709)})
    parts = split_faces(faces, configured("r4").params.split)
    assert (parts[:25_000] == "train").all()
    assert not (parts[25_000:] == "train").any()


@pytest.mark.parametrize(
    "value",
    [
        "none", "null", "true", "1e-3", "cnn", "/data/raw faces/it's=1,2.csv", "a\\", "[x]", "",
        1e-05, 3, 0.5, True, ["conv2", "conv6"], [1, 2],
    ],
)  # fmt: skip
def test_a_value_reaches_the_experiment_as_it_is(value, tmp_path):
    (tmp_path / "params.yaml").write_text("a: {b: auto}\n")
    found = params_that_dvc_makes(tmp_path, {"a.b": value})["a"]["b"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("before", ["auto", {"contempt": "drop"}])
def test_a_map_of_labels_reaches_the_experiment_as_it_is(before, params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = params.model_copy(update={"data": params.data.model_copy(update={"labels": before})})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(there.model_dump()))
    wanted = parse_assignment("data.labels={very angry: angry, 7: drop, sad(2): sad}")
    configuration = configure("a map", [wanted], "-S")
    settings = configuration.experiment().settings
    labels = params_that_dvc_makes(tmp_path, settings)["data"]["labels"]
    assert {type(name) for name in labels} == {str}  # DVC sorts them, and digits are no number
    stripped = {name.strip(): label for name, label in labels.items()}
    assert stripped == configuration.params.data.labels


@pytest.mark.parametrize("name", ["wütend", "it's", "null"])
def test_a_name_that_dvc_cannot_set_is_refused_before_it_runs(name, in_project, tmp_path):
    configuration = configure("a map", [{"data": {"labels": {name: "angry"}}}], "-S")
    with pytest.raises(UserError, match="put the map into params"):
        configuration.experiment()
    (tmp_path / "params.yaml").write_text("data: {labels: auto}\n")
    with pytest.raises(Exception, match=r"token recognition|set-param"):
        params_that_dvc_makes(tmp_path, {"++data.labels": {name: "angry"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: t\noverrides: {train: {cnn: {epoch: 3}}}", "train.cnn.epoch is not known; allow"),
        ("title: t\noverrides: {train: {cnn: {epochs: 0}}}", "train.cnn.epochs = 0: should be gre"),
        ("title: t\noverrides: {train: 3}", "train = 3"),
        ("title: t\ntrain: {cnn: {epochs: 3}}", "train: Extra inputs are not permitted; known her"),
        ("title: t", "overrides: Field required"),
        ("title: [", "not YAML"),
        ("title: 2024-99-99", "not YAML"),
    ],
)
def test_a_mistake_in_a_recipe_is_named_in_one_line(text, message, in_own):
    (RECIPES / "mine.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        configure("mine", [read_recipe("mine").overrides], "mine.yaml")
    assert "mine.yaml: " in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("train.cnn.learning_rate=1e-4", {"train": {"cnn": {"learning_rate": 1e-4}}}),
        ("filters.layers=[conv2, conv6]", {"filters": {"layers": ["conv2", "conv6"]}}),
        ("a.b=no", {"a": {"b": "no"}}),
        ("a.b=x=y", {"a": {"b": "x=y"}}),
        ("a=true", {"a": True}),
    ],
)
def test_a_setting_is_read_as_params_yaml_would_read_it(text, override):
    assert parse_assignment(text) == override


@pytest.mark.parametrize("text", ["a", "=3", "a..b=3", "a. b=3", ".a=3"])
def test_a_setting_without_key_or_value_is_refused(text):
    with pytest.raises(UserError, match="not key=value, as in train"):
        parse_assignment(text)


def test_faces_that_may_not_be_read_are_named(params, tmp_path):
    folder = tmp_path / "my faces"
    folder.mkdir(mode=0)
    data = params.data.model_copy(update={"source": str(folder)})
    if is_root := os.geteuid() == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(UserError, match="cannot be read: Permission denied; data/raw/my faces"):
            check_source(params.model_copy(update={"data": data}))
    finally:
        if is_root:
            os.seteuid(0)


# Grids


def test_the_ablation_is_every_combination_of_one_network_and_nothing_else(in_project):
    grid = read_grid("ablation")
    found = combine("ablation", grid)
    names = [combination.name for combination in found]
    assert len(set(names)) == 27
    assert names[:4] == [
        "ablation-none-none-0", "ablation-none-none-1", "ablation-none-none-2",
        "ablation-none-flip-0",
    ]  # fmt: skip
    assert names[-1] == "ablation-batch_norm-full-2"
    assert [one.configuration.params.train.cnn.seed for one in found] == 9 * [0, 1, 2]
    trained = {
        combination.arms[0]: combination.configuration.params.train.cnn for combination in found
    }
    assert {arm: (cnn.network, cnn.normalisation) for arm, cnn in trained.items()} == {
        "none": ("plain-cnn", "none"),
        "standardisation": ("plain-cnn", "dataset"),
        "batch_norm": ("plain-norm-cnn", "none"),
    }
    flat = [flatten(each.configuration.params.model_dump()) for each in found]
    for one, other in pairwise(flat):
        assert {key for key in one if one[key] != other[key]} <= grid.varied
    assert {params["split.seed"] for params in flat} == {0}


GRID = """
title: Which rate?
measure: cnn.accuracy
stages: [evaluate]
vary:
  rate:
    low: {train: {cnn: {learning_rate: 0.001}}}
    high: {train: {cnn: {learning_rate: 0.1}}}
seeds: {keys: [train.cnn.seed], values: [0, 1]}
"""


def test_settings_and_a_recipe_hold_for_the_whole_grid_but_not_for_what_it_varies(in_own):
    (GRIDS / "rates.yaml").write_text(GRID)
    shutil.copytree(ROOT / RECIPES, RECIPES, dirs_exist_ok=True)
    grid = read_grid("rates")
    of_recipe = grid.model_copy(update={"recipe": "r4"})
    found = combine("rates", of_recipe, [parse_assignment("train.cnn.epochs=1")])
    assert {one.configuration.params.train.cnn.epochs for one in found} == {1}
    assert {one.configuration.params.train.cnn.network for one in found} == {"leaky-cnn"}
    with pytest.raises(UserError, match=r"train\.cnn\.seed: the grid 'rates' varies it"):
        combine("rates", grid, [parse_assignment("train.cnn.seed=1")])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("low:", "low-rate:", "allowed: a to z, 0 to 9 and _"),
        ("measure: cnn.accuracy", "", "measure: Field required"),
        ("values: [0, 1]", "values: []", "seeds.values: List should have at least 1 item"),
        ("seeds:", "seed:", "seed: Extra inputs are not permitted"),
        ("  rate:", "  none: {}\n  rate:", "vary.none: Dictionary should have at least 1 item"),
    ],
)
def test_a_mistake_in_a_grid_is_named_in_one_line(old, new, message, in_own):
    (GRIDS / "rates.yaml").write_text(GRID.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_grid("rates")
    assert "rates.yaml: " in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# The report

MEASURED = {
    ("none", "none"): {0: 0.50, 1: 0.52, 2: 0.54},
    ("none", "flip"): {0: 0.53, 1: 0.54, 2: 0.58},
    ("scaled", "none"): {0: 0.60, 2: 0.66},
    ("scaled", "flip"): {1: 0.70},
}
BASE = ("none", "none")
AXES = {"normalisation": ["none", "scaled"], "augmentation": ["none", "flip"]}


def grid_of(axes):
    vary = {axis: {arm: {} for arm in arms} for axis, arms in axes.items()}
    seeds = {"keys": ["train.cnn.seed"], "values": [0]}
    return GridFile(title="Ablation", measure="cnn.accuracy", vary=vary, seeds=seeds)


def test_mean_and_spread_are_over_seeds_and_a_row_an_arm():
    found = summarise(MEASURED, {}, BASE)
    assert list(found.columns) == [
        "seeds", "mean", "spread", "difference", "difference_low", "difference_high",
    ]  # fmt: skip
    assert list(found.index) == list(MEASURED)
    assert list(found["seeds"]) == [3, 3, 2, 1]
    assert list(found.loc[BASE, ["mean", "spread"]]) == pytest.approx([0.52, 0.02])
    assert np.isnan(found.loc[("scaled", "flip"), "spread"])


def test_differences_are_paired_by_seed_and_have_students_interval():
    found = summarise(MEASURED, MEASURED | {BASE: {0: 0.5, 1: 0.5}}, BASE)
    interval = ttest_1samp([0.03, 0.02, 0.04], 0).confidence_interval(0.95)
    expected = {
        BASE: [np.nan] * 3,
        ("none", "flip"): [0.03, interval.low, interval.high],
        ("scaled", "flip"): [0.18, np.nan, np.nan],
    }
    for arms, values in expected.items():
        three = found.loc[arms, ["difference", "difference_low", "difference_high"]]
        assert list(three) == pytest.approx(values, nan_ok=True)
    assert found.loc[("scaled", "none"), "difference"] == pytest.approx(0.11)  # of two seeds alone
    assert list(found["gain"]) == pytest.approx([0.01, 0, 0, 0])
    without_base = summarise({("none", "flip"): {0: 0.5}}, {}, BASE)
    assert np.isnan(without_base["difference"]).all()


def test_the_page_has_rows_columns_and_says_what_the_figures_are():
    text = write_markdown(summarise(MEASURED, {}, BASE), grid_of(AXES))
    assert "| normalisation \\ augmentation | none | flip |" in text
    assert "| none | 52.0 ± 2.0 (3) | 55.0 ± 2.6 (3) |" in text
    assert "| none | base | +3.0 (+0.5 to +5.5) |" in text
    assert "choose nothing" in text
    assert "3 seeds are few" in text
    one_axis = summarise({("low",): {0: 0.5}, ("high",): {0: 0.4}}, {}, ("low",))
    text = write_markdown(one_axis, grid_of({"rate": ["low", "high"]}))
    assert "| high | 40.0 (1) |" in text
    assert "| high | \N{MINUS SIGN}10.0 (1) |" in text
    as_good = summarise({("low",): {0: 0.5}, ("high",): {0: 0.4999}}, {}, ("low",))
    text = write_markdown(as_good, grid_of({"rate": ["low", "high"]}))
    assert "| high | 0.0 (1) |" in text  # what rounds to nothing has no sign


def test_the_page_of_a_grid_names_other_faces_and_other_seeds():
    found, grid = summarise(MEASURED, {}, BASE), grid_of(AXES)
    assert "split and faces are the same for all." in write_markdown(found, grid)
    of_split = grid.seeds.model_copy(update={"keys": ["train.cnn.seed", "split.seed"]})
    change = {"measure": "cnn.validation_accuracy", "seeds": of_split}
    text = write_markdown(found, grid.model_copy(update=change))
    assert "A seed is the value of `train.cnn.seed` and `split.seed`.\nValidation faces" in text
    assert "choose nothing" not in text
    assert "the same for all" not in text
