"""Every reference network beside its report's table: counts and shapes, layer by layer."""

import itertools
import sys
from contextlib import nullcontext
from typing import get_args

import pytest
import torch

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

# Where the shape of a face's maps changes, from the input on: channels x side, or features.
SHAPES = {
    "vgg-cnn": "64x48 64x24 128x24 128x12 256x12 256x6 512x6 512x3 4608 1024 7",
    "triple-cnn": "32x48 32x24 64x24 64x12 128x12 128x6 4608 64 7",
    "two-by-two-cnn": "32x48 32x24 32x12 4608 512 7",
    "wide-cnn": "63x48 127x48 127x24 255x24 511x24 511x12 73584 512 7",
    "vgg16-cnn": "64x48 64x24 128x24 128x12 256x12 256x6 512x6 512x3 512x2 2048 512 7",
    "leaky-cnn": "32x48 32x24 64x24 64x12 128x12 128x6 128x3 1152 256 7",
    "plain-cnn": "64x48 64x24 128x24 128x12 512x12 512x6 18432 7",
    "deep-dnn": "2304 1288 1024 784 666 512 384 256 128 64 32 16 7",
    "small-dnn": "2304 64 256 128 7",
    "waist-dnn": "2304 300 160 250 64 7",
}


# The study's own, as the README counts them.
OWN = {
    "compact-cnn": 1_211_815, "paired-cnn": 1_176_359, "slim-paired-cnn": 166_647,
    "wide-paired-cnn": 10_551_655, "dense-dnn": 728_519, "plain-norm-cnn": 796_679,
}  # fmt: skip


def test_the_parameters_know_every_network_and_the_study_s_own_have_the_size_in_the_table():
    assert get_args(ConvolutionalName) == tuple(CONVOLUTIONAL)
    assert get_args(DenseName) == tuple(DENSE)
    assert {*TOTALS, *OWN} == set(NETWORKS)
    with COUNTED:
        assert {name: count_all(build_network(name)) for name in OWN} == OWN


@pytest.mark.parametrize("name", TOTALS)
def test_counts_and_shapes_are_those_of_the_report(name):
    with COUNTED:
        network = build_network(name)
        rows = tabulate(network)
    assert (count_all(network), count_parameters(network)) == TOTALS[name]
    assert [row.parameters for row in rows if row.parameters] == LAYERS[name]
    assert sum(row.trainable for row in rows) == count_parameters(network)
    shapes = ["1x48"] + ["x".join(map(str, row.shape[:2])) for row in rows]
    changes = [new for old, new in itertools.pairwise(shapes) if new != old]
    assert " ".join(changes) == SHAPES[name]
    assert all(row.shape[1:] in ((), 2 * row.shape[1:2]) for row in rows)


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


def test_one_rate_for_every_dropout_or_each_its_own_but_for_whole_channels():
    def rates(name, kind=torch.nn.Dropout, **options):
        with COUNTED:
            network = build_network(name, **options)
        return [layer.p for layer in network.modules() if isinstance(layer, kind)]

    assert rates("vgg-cnn") == [0.2, 0.25, 0.25, 0.45, 0.45]
    assert rates("vgg-cnn", dropout=0.1) == 5 * [0.1]
    assert rates("wide-paired-cnn", dropout=0.3) == [0.3]
    assert rates("wide-paired-cnn", torch.nn.Dropout2d, dropout=0.3) == 4 * [0.1]


@pytest.mark.study
@pytest.mark.parametrize("dnn", DENSE)
def test_a_dnn_can_have_the_size_of_any_cnn(dnn):
    with COUNTED:
        for cnn in CONVOLUTIONAL:
            wanted = count_parameters(build_network(cnn))
            matched = build_network(dnn, width=match_width(dnn, wanted))
            assert count_parameters(matched) == pytest.approx(wanted, rel=0.02), cnn


def test_what_cannot_be_matched_is_named():
    with pytest.raises(UserError, match=r"'plain-cnn' has convolutions.*dense-dnn"):
        match_width("plain-cnn", 1_000_000)
    with pytest.raises(UserError, match=r"cannot have 100 parameters; the closest is"):
        match_width("deep-dnn", 100)


def test_the_command_lists_every_network_or_one_as_its_report_does(monkeypatch, capsys):
    def models(*arguments, expect=0):
        monkeypatch.setattr(sys, "argv", ["models", *arguments])
        ends = pytest.raises(SystemExit, match=str(expect)) if expect else nullcontext()
        with COUNTED, ends:
            main()
        said = capsys.readouterr()
        return said.err if expect else said.out

    rows = {words[0]: words[1:] for words in map(str.split, models().splitlines()) if words}
    assert {*NETWORKS, "bottleneck-autoencoder"} <= rows.keys()
    for name, counts in TOTALS.items():
        assert rows[name][1:] == [f"{count:,}" for count in counts]
    assert rows["wide-autoencoder"] == ["autoencoder", "21,297", "21,297"]

    rows = [line.split() for line in models("leaky-cnn").splitlines()]
    assert ["conv1", "Conv2d", "32", "x", "48", "x", "48", "832", "832"] in rows
    assert ["total", *(f"{count:,}" for count in TOTALS["leaky-cnn"])] in rows
    said = models("alexnet", expect=1)
    assert said.startswith("networks: error: network 'alexnet' is not known; choose one of: co")
