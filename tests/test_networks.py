"""Every reference network beside its report's table: counts and shapes, layer by layer."""

import itertools
import json
import sys
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.networks.__main__ import main
from pipeline.networks.matching import match_width
from pipeline.networks.networks import (
    CONVOLUTIONAL,
    DENSE,
    NETWORKS,
    build_network,
    count_parameters,
)
from pipeline.networks.table import count_all, tabulate
from pipeline.params import ConvolutionalName, DenseName

COUNTED = torch.device("meta")
"""Where a network has shapes and no weights, which is all that counting takes."""

TOTALS = {
    # name: (Keras total, Keras trainable)
    "vgg-cnn": (8_114_631, 8_107_719),
    "deep-dnn": (6_648_257, 6_636_413),
    "small-dnn": (199_751, 199_751 - 2 * (64 + 256 + 128)),
    "triple-cnn": (787_143, 785_543),
    "waist-dnn": (799_525, 799_525 - 2 * (300 + 160 + 250 + 64)),
    "two-by-two-cnn": (2_659_851, 2_659_851 - 10_626),
    "wide-cnn": (39_782_273, 39_782_273 - 2 * (1 + 63 + 127 * 2 + 255 + 511 * 2 + 73_584 + 512)),
    "vgg16-cnn": (16_326_603, 16_326_603 - 17_538),
    "leaky-cnn": (538_759 + 2 * (128 + 128 + 256), 538_759),
    "plain-cnn": (793_863, 793_863),
}


def conv(inputs, outputs, kernel=3):
    """Keras' rule for a convolution with a bias."""
    return outputs * (inputs * kernel * kernel + 1)


def convs(*channels, kernel=3):
    """Counts of convolutions one after another, each with batch normalisation behind."""
    return [
        number
        for inputs, outputs in itertools.pairwise(channels)
        for number in (conv(inputs, outputs, kernel), 4 * outputs)
    ]


def dense(inputs, outputs):
    return outputs * (inputs + 1)


# The layers that hold parameters, from the input on, by Keras' rules.
LAYERS = {
    "vgg-cnn": [
        *convs(1, 64, 64, 128, 128, 256, 256, 512),
        4_719_616, 4096, 1_049_600, 4096, 7175,
    ],
    "triple-cnn": [
        *convs(1, 32, 32, 32, 64, 64, 64, 128, 128, 128),
        294_976, 256, 4160, 4160, 256, 455,
    ],
    "two-by-two-cnn": [
        4, *convs(1, 32, 32, kernel=2), 128, *convs(32, 32, 32, kernel=2), 128,
        4 * 4608, dense(4608, 512), dense(512, 512), 2048, 3591,
    ],
    "wide-cnn": [
        4, *convs(1, 63, 127), 508, *convs(127, 255, 511), 2044,
        4 * 73_584, dense(73_584, 512), dense(512, 512), 2048, 3591,
    ],
    "vgg16-cnn": [
        4, *convs(1, 64, 64), 256, *convs(64, 128, 128), 512, *convs(128, 256, 256, 256), 1024,
        *convs(256, 512, 512, 512), 2048, *convs(512, 512, 512, 512), 2048,
        4 * 2048, dense(2048, 512), dense(512, 512), 2048, dense(512, 512), 2048, 3591,
    ],
    "leaky-cnn": [832, 18_496, 73_856, 512, 147_584, 512, 295_168, 1024, 1799],
    "plain-cnn": [640, 73_856, 590_336, 129_031],
    "deep-dnn": [
        number
        for inputs, outputs in zip(
            (2304, 1288, 1024, 784, 666, 512, 512, 384, 256, 256, 128, 64, 32),
            (1288, 1024, 784, 666, 512, 512, 384, 256, 256, 128, 64, 32, 16), strict=True,
        )
        for number in (dense(inputs, outputs), 4 * outputs)
    ] + [119],
    "small-dnn": [147_520, 256, 16_640, 1024, 32_896, 512, 903],
    "waist-dnn": [691_500, 1200, 48_160, 640, 40_250, 1000, 16_064, 256, 455],
}  # fmt: skip

# Where the shape of a face's maps changes, from the input on.
SHAPES = {
    "vgg-cnn": [
        (64, 48, 48), (64, 24, 24), (128, 24, 24), (128, 12, 12), (256, 12, 12), (256, 6, 6),
        (512, 6, 6), (512, 3, 3), (4608,), (1024,), (7,),
    ],
    "triple-cnn": [
        (32, 48, 48), (32, 24, 24), (64, 24, 24), (64, 12, 12), (128, 12, 12), (128, 6, 6),
        (4608,), (64,), (7,),
    ],
    "two-by-two-cnn": [
        (32, 48, 48), (32, 24, 24), (32, 12, 12), (4608,), (512,), (7,),
    ],
    "wide-cnn": [
        (63, 48, 48), (127, 48, 48), (127, 24, 24), (255, 24, 24), (511, 24, 24), (511, 12, 12),
        (73_584,), (512,), (7,),
    ],
    "vgg16-cnn": [
        (64, 48, 48), (64, 24, 24), (128, 24, 24), (128, 12, 12), (256, 12, 12), (256, 6, 6),
        (512, 6, 6), (512, 3, 3), (512, 2, 2), (2048,), (512,), (7,),
    ],
    "leaky-cnn": [
        (32, 48, 48), (32, 24, 24), (64, 24, 24), (64, 12, 12), (128, 12, 12), (128, 6, 6),
        (128, 3, 3), (1152,), (256,), (7,),
    ],
    "plain-cnn": [
        (64, 48, 48), (64, 24, 24), (128, 24, 24), (128, 12, 12), (512, 12, 12), (512, 6, 6),
        (18_432,), (7,),
    ],
    "deep-dnn": [
        (2304,), (1288,), (1024,), (784,), (666,), (512,), (384,), (256,), (128,), (64,), (32,),
        (16,), (7,),
    ],
    "small-dnn": [(2304,), (64,), (256,), (128,), (7,)],
    "waist-dnn": [(2304,), (300,), (160,), (250,), (64,), (7,)],
}  # fmt: skip


def test_the_parameters_know_every_network():
    assert get_args(ConvolutionalName) == tuple(CONVOLUTIONAL)
    assert get_args(DenseName) == tuple(DENSE)
    own = {
        "compact-cnn", "residual-cnn", "paired-cnn", "slim-paired-cnn", "wide-paired-cnn",
        "dense-dnn", "plain-norm-cnn",
    }  # fmt: skip
    assert set(TOTALS) | own == set(NETWORKS)


@pytest.mark.parametrize("name", TOTALS)
def test_counts_are_those_of_the_report(name):
    with COUNTED:
        network = build_network(name)
    assert (count_all(network), count_parameters(network)) == TOTALS[name]
    rows = tabulate(network)
    assert [row.parameters for row in rows if row.parameters] == LAYERS[name]
    assert sum(row.parameters for row in rows) == count_all(network)
    assert sum(row.trainable for row in rows) == count_parameters(network)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_those_of_the_report(name):
    shapes = [(1, 48, 48)] + [row.shape for row in tabulate(build_network(name))]
    changes = [new for old, new in itertools.pairwise(shapes) if new != old]
    assert changes == SHAPES[name]


def test_an_even_kernel_pads_behind():
    """As Keras does: the pixel above and to the left of an output is its own, not one before."""
    first = build_network("two-by-two-cnn").get_submodule("conv1")
    with torch.no_grad():
        first.weight.zero_()
        first.weight[:, :, 1, 1] = 1
        first.bias.zero_()
        spot = torch.zeros(1, 1, 48, 48)
        spot[0, 0, 5, 5] = 1
        assert first(spot)[0, 0].nonzero().tolist() == [[4, 4]]


def test_one_rate_for_every_dropout_or_each_its_own():
    def rates(**options):
        network = build_network("vgg-cnn", **options)
        return [layer.p for layer in network.modules() if isinstance(layer, torch.nn.Dropout)]

    assert rates() == [0.2, 0.25, 0.25, 0.45, 0.45]
    assert rates(dropout=0.1) == 5 * [0.1]


def test_whole_channels_are_left_out_at_the_rate_of_the_design():
    network = build_network("wide-paired-cnn", dropout=0.3)
    channels = [layer.p for layer in network.modules() if isinstance(layer, torch.nn.Dropout2d)]
    assert channels == 4 * [0.1]
    assert network.get_submodule("dropout").p == 0.3


@pytest.mark.parametrize("cnn", CONVOLUTIONAL)
@pytest.mark.parametrize("dnn", DENSE)
def test_a_dnn_can_have_the_size_of_any_cnn(cnn, dnn):
    with COUNTED:
        wanted = count_parameters(build_network(cnn))
        matched = build_network(dnn, width=match_width(dnn, wanted))
    assert count_parameters(matched) == pytest.approx(wanted, rel=0.02)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(list(DENSE)), st.integers(400_000, 20_000_000))
def test_a_match_is_within_two_percent(name, wanted):
    with COUNTED:
        matched = build_network(name, width=match_width(name, wanted))
    assert count_parameters(matched) == pytest.approx(wanted, rel=0.02)


def test_what_cannot_be_matched_is_named():
    with pytest.raises(UserError, match=r"'plain-cnn' has convolutions.*dense-dnn"):
        match_width("plain-cnn", 1_000_000)
    with pytest.raises(UserError, match=r"cannot have 100 parameters; the closest is"):
        match_width("deep-dnn", 100)


@pytest.fixture
def models(monkeypatch, capsys):
    def run(*arguments, expect=0):
        monkeypatch.setattr(sys, "argv", ["models", *arguments])
        assert main() == expect
        said = capsys.readouterr()
        return said.out if expect == 0 else said.err

    return run


def test_the_command_lists_every_network_and_its_counts(models):
    with COUNTED:
        rows = {row["name"]: row for row in json.loads(models("--json"))}
    assert set(rows) == {*NETWORKS, "bottleneck-autoencoder", "wide-autoencoder"}
    for name, (total, trainable) in TOTALS.items():
        row = rows[name]
        assert (row["keras_total"], row["keras_trainable"]) == (total, trainable)
        assert row["parameters"] == trainable
    assert rows["wide-autoencoder"]["parameters"] == 21_297
    with COUNTED:
        text = models()
    assert "8,114,631" in text
    assert "triple-cnn" in text


def test_the_command_prints_a_network_as_its_report_does(models):
    text = models("leaky-cnn")
    assert "conv1" in text
    assert "32 x 48 x 48" in text
    assert "18,496" in text
    assert "538,759" in text
    rows = json.loads(models("leaky-cnn", "--json"))
    assert rows[0] == {
        "name": "conv1", "kind": "Conv2d", "shape": [32, 48, 48], "parameters": 832,
        "trainable": 832,
    }  # fmt: skip
    assert models("alexnet", expect=1).startswith("models: error: network 'alexnet' is not known")
