import copy
import io
import math
import os
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.errors import UserError
from pipeline.params import MODELS, load, parse

from .conftest import ROOT
from .imports import modules_loaded

COMMITTED = yaml.safe_load((ROOT / "params.yaml").read_text())


def change(key, value):
    """The committed values with one of them changed."""
    changed = copy.deepcopy(COMMITTED)
    *path, last = key.split(".")
    section = changed
    for part in path:
        section = section[part]
    section[last] = value
    return changed


def test_the_committed_file_is_allowed_and_has_a_section_for_each_model():
    assert parse(COMMITTED).train.cnn.epochs == COMMITTED["train"]["cnn"]["epochs"]
    assert tuple(COMMITTED["train"]) == MODELS


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("train.cnn.learning_rate", -0.1, "greater than 0"),
        ("train.cnn.epochs", "ten", "valid integer"),
        ("train.dnn.dropout", 1.0, "less than 1, or should be 'own'"),
        ("train.cnn.network", "alexnet", "'compact-cnn', 'paired-cnn'"),
        ("train.cnn.batch", 1, "greater than or equal to 2"),
        ("split.seed", 2**40, "less than"),
        ("train.cnn.augmentation.flip", True, "'none', 'random' or 'alternating'"),
        ("filters.layers", [], "at least 1 item"),
        ("filters.layers", "conv2", "valid list, or should be 'auto'"),
        ("filters.layers", ["pair1", "conv9"], "layer 'conv9' is not in this network"),
        ("filters.layers", ["classify"], "gives no maps but rows of 7 numbers"),
        ("lime.samples", 10, "a weight for each of lime.segments = 40; allowed from 40 on"),
        ("train.cnn.epochs", 10**9, "less than or equal to 10000"),
        ("data.labels", {0: "angry", "contempt": "drop"}, "beside names have to be in quotes"),
        ("train.cnn.learning_rate", math.nan, "a finite number"),
    ],
)
def test_an_impossible_value_names_key_value_and_what_is_allowed(key, value, allowed):
    with pytest.raises(UserError) as caught:
        parse(change(key, value), "params.yaml")
    message = str(caught.value)
    assert message.startswith(f"params.yaml: {key} = {value!r}: ")
    assert allowed in message
    assert "\n" not in message


def test_an_unknown_key_names_those_that_are_known_and_a_missing_one_is_named():
    with pytest.raises(UserError, match=r"train\.cnn\.epoch is not known.*epochs"):
        parse(change("train.cnn.epoch", 3))
    values = copy.deepcopy(COMMITTED)
    del values["split"]["seed"]
    with pytest.raises(UserError, match=r"split\.seed is missing"):
        parse(values)


def test_numbers_and_words_are_read_as_yaml_1_2_does(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 0.003", "learning_rate: 3e-3"))
    assert load(path).train.cnn.learning_rate == 0.003
    path.write_text(text.replace("flip: alternating", "flip: no"))
    with pytest.raises(UserError, match=r"augmentation\.flip = 'no'"):
        load(path)


@pytest.mark.study
def test_the_layers_of_another_network_are_named_before_anything_is_trained(tmp_path):
    """By the first stage of all, with what there is; each network knows its own."""
    values = change("filters.layers", ["conv2", "conv6"])
    values["train"]["cnn"]["network"] = "triple-cnn"
    assert parse(values).filters.layers == ["conv2", "conv6"]
    values["train"]["cnn"]["network"] = "plain-cnn"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "sample"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "sample: error: params.yaml: filters.layers = ['conv2', 'conv6']: plain-cnn: layer 'conv6' "
        "is not in this network; its convolutions are: conv1, conv2, conv3\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_parameters_cost_no_torch_unless_layers_are_named():
    assert "torch" not in modules_loaded("import pipeline.params; pipeline.params.load()")


def leaves(values, path=()):
    if not isinstance(values, dict):
        return [".".join(path)]
    return [leaf for key, value in values.items() for leaf in leaves(value, (*path, key))]


LEAVES = leaves(COMMITTED)
SECTIONS = sorted({leaf.rpartition(".")[0] for leaf in LEAVES})

LARGEST = 2**31
"""No number that is accepted is larger: what is counted fits a machine and ends some day."""

WRONG: list[object] = [
    None, True, False, "", "yes", "1", "nan", "../..", "a\nb", "x" * 100_000, b"\xff", [], [1],
    ["a"], [[]], {}, {"a": 1}, -1, 0, 1, -0.5, 0.5, 1.5, 3.0, 1e-320, 1e308, -1e308, math.nan,
    math.inf, -math.inf, LARGEST, 10**9, 10**12, -(10**12), 10**400,
]  # fmt: skip


def at(params, key):
    for part in key.split("."):
        params = getattr(params, part)
    return params


def accepted_or_one_line(key, value):
    """Whether a change is accepted; then it stands there as it is, and is not too large."""
    try:
        found = at(parse(change(key, value), "params.yaml"), key)
    except UserError as error:
        message = str(error)
        assert message.startswith("params.yaml: ")
        assert key in message
        assert "\n" not in message
        assert len(message) < 2000
        return False
    assert found == value
    if isinstance(found, int | float):
        assert abs(found) < LARGEST
        assert math.isfinite(found)
    return True


@pytest.mark.parametrize("key", LEAVES)
def test_any_wrong_value_anywhere_is_one_line(key):
    kind = type(at(parse(COMMITTED), key))
    for value in WRONG:
        accepted = accepted_or_one_line(key, value)
        if accepted and kind is not str:
            allowed = (int, float) if kind is float else kind
            assert isinstance(value, allowed) or key.endswith("dropout")
            assert not isinstance(value, bool) or kind is bool
    for value in (None, [], {}, b"\xff", math.nan, math.inf, 10**12, 10**400, -1):
        assert not accepted_or_one_line(key, value)


@pytest.mark.parametrize("key", SECTIONS)
def test_a_section_that_is_none_is_one_line(key):
    for value in (None, 3, "words", [], {}, {1: 2}, {"epoch": 1}):
        assert not accepted_or_one_line(key, value)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
    | st.integers(-(10**30), 10**30) | st.binary(max_size=5)
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(SCALARS, inside, max_size=3),
    max_leaves=6,
)


def written(values):
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(values, text)
    return text.getvalue()


WRITTEN = {name: written({name: section}) for name, section in COMMITTED.items()}


@pytest.mark.study
@settings(max_examples=200)
@given(st.sampled_from([*LEAVES, *SECTIONS]), ANYTHING)
def test_whatever_a_file_holds_is_accepted_or_one_line(tmp_path_factory, key, value):
    name = key.partition(".")[0]
    changed = written({name: change(key, value)[name]})
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    path.write_text("".join((WRITTEN | {name: changed}).values()), encoding="utf-8")
    try:
        found = at(load(path), key)
    except UserError as error:
        message = str(error)
    else:
        assert key in LEAVES
        assert type(found) in (bool, int, float, str, list)
        return
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 3000


@pytest.mark.study
def test_any_other_text_a_folder_and_no_file_are_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    texts = (
        "[" * 5000, "a: " + "1" * 5000, "a: 2024-99-99", "a: &a [*a]", "a: *b", "a: 1\na: 2",
        "a: !!python/object:os.system x", "? [a]\n: b", "? {}\n: 1", "\0", "\t- x", "- 1", "1", "",
        "---\n---\n", "%YAML 9.9\n---", "train: [", "just words",
    )  # fmt: skip
    for text in texts:
        path.write_text(text)
        with pytest.raises(UserError, match=r"params\.yaml: ") as raised:
            load(path)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 1500
    assert "sections data, sample" in str(raised.value)
    for place, message in (
        (tmp_path, "cannot be read: Is a directory"), (tmp_path / "none", "no such file"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            load(place)


@pytest.mark.parametrize(
    ("section", "former", "value", "now"),
    [
        ("split", "returned", 0.5, "split.refit_fraction"),
        ("evaluate", "views", {"flip": True, "shift": 0}, "evaluate.tta"),
        ("semisupervised", "hidden", 0.5, "semisupervised.mask_ratio"),
        ("train.cnn", "members", 3, "train.cnn.ensemble"),
        ("train.cnn", "mix", 0.5, "train.cnn.cutmix"),
        ("train.dnn", "averaging", 0.9, "train.dnn.ema_decay"),
        ("train.dnn.augmentation", "erase", 0.5, "train.dnn.augmentation.random_erasing"),
        ("semisupervised.autoencoder", "device", "cpu", "machine.device"),
        ("train.cnn", "precision", "auto", "machine.precision"),
        ("semisupervised.consistency", "fit", {}, "semisupervised.classifier"),
        ("semisupervised.consistency", "weight", 1.0, "semisupervised.strong_weight"),
    ],
)
def test_a_former_name_is_answered_with_the_new_one(section, former, value, now):
    with pytest.raises(UserError, match=rf"^params: {section}\.{former} is now called {now}$"):
        parse(change(f"{section}.{former}", value))


def test_a_key_by_its_former_name_is_not_missing_as_well():
    values = copy.deepcopy(COMMITTED)
    values["train"]["cnn"]["mix"] = values["train"]["cnn"].pop("cutmix")
    values["train"]["cnn"] |= values.pop("machine")
    with pytest.raises(UserError) as caught:
        parse(values)
    said = str(caught.value).split("; ")
    assert len(said) == 4
    assert all(" is now called " in each for each in said)
