import copy

import pytest
import yaml

from pipeline.errors import UserError
from pipeline.params import MODELS, load, parse

from .conftest import ROOT


@pytest.fixture
def values():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def change(values, key, value):
    changed = copy.deepcopy(values)
    *path, last = key.split(".")
    section = changed
    for part in path:
        section = section[part]
    section[last] = value
    return changed


def test_the_committed_file_is_allowed(values):
    assert parse(values).train.cnn.epochs == values["train"]["cnn"]["epochs"]


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("train.cnn.learning_rate", -0.1, "greater than 0"),
        ("train.cnn.epochs", 0, "greater than or equal to 1"),
        ("train.cnn.epochs", "ten", "valid integer"),
        ("train.dnn.dropout", 1.0, "less than 1, or should be 'own'"),
        ("train.dnn.match", "none", "'dnn' or 'cnn'"),
        ("train.cnn.network", "alexnet", "'compact-cnn', 'residual-cnn'"),
        ("train.cnn.batch", 1, "greater than or equal to 2"),
        ("split.seed", 2**40, "less than"),
        ("split.held_out", 1.5, "less than 1"),
        ("split.method", "random", "'stratified', 'shuffled', 'first_rows' or 'usage'"),
        ("data.on_bad_row", "ignore", "'stop' or 'drop'"),
        ("train.cnn.augmentation.flip", True, "'none', 'random' or 'alternating'"),
        ("filters.layers", [], "at least 1 item"),
        ("filters.layers", "conv2", "valid list, or should be 'auto'"),
    ],
)
def test_an_impossible_value_names_key_value_and_what_is_allowed(values, key, value, allowed):
    with pytest.raises(UserError) as caught:
        parse(change(values, key, value), "params.yaml")
    message = str(caught.value)
    assert message.startswith(f"params.yaml: {key} = {value!r}: ")
    assert allowed in message
    assert "\n" not in message


def test_an_unknown_key_names_those_that_are_known(values):
    with pytest.raises(UserError, match=r"train\.cnn\.epoch is not known.*epochs"):
        parse(change(values, "train.cnn.epoch", 3))


def test_a_missing_key_is_named(values):
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


def test_a_file_that_is_not_yaml_or_not_there_ends_in_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(UserError, match="no such file"):
        load(path)
    path.write_text("train: [")
    with pytest.raises(UserError, match="not YAML"):
        load(path)
    path.write_text("just words")
    with pytest.raises(UserError, match="sections data, sample"):
        load(path)


def test_every_model_has_a_section(values):
    assert tuple(values["train"]) == MODELS
