"""The random weights that a network starts from are those that are asked for."""

import math

import pytest
import torch
from torch import nn

from pipeline.networks.networks import build_network
from pipeline.train.classifier import new_classifier
from pipeline.training.face_set import FaceSet

NO_FACES = FaceSet(torch.zeros(0, 48, 48, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))


def layers(changed, model, kind, **settings):
    """The layers with weights of a fresh classifier, each with its inputs and outputs."""
    params = changed(train={model: {"initialisation": kind, **settings}})
    classifier = new_classifier(params, model, NO_FACES)
    for layer in classifier.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            seen = math.prod(getattr(layer, "kernel_size", ()))
            yield layer, layer.weight.shape[1] * seen, layer.weight.shape[0] * seen


@pytest.mark.parametrize("network", ["triple-cnn", "leaky-cnn"])
def test_glorot_is_uniform_within_keras_bounds_and_has_no_bias(changed, network):
    for layer, inputs, outputs in layers(changed, "cnn", "glorot", network=network):
        bound = math.sqrt(6 / (inputs + outputs))
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)
        assert not layer.bias.any()


@pytest.mark.parametrize("ensemble", [1, 2])
def test_torch_s_own_weights_and_biases_are_within_its_bounds(changed, ensemble):
    for layer, inputs, _ in layers(changed, "dnn", "torch", network="small-dnn", ensemble=ensemble):
        bound = 1 / math.sqrt(inputs)
        for values in (layer.weight, layer.bias):
            assert 0.8 * bound < values.abs().max() <= bound


def test_kaiming_keeps_the_size_of_what_passes_a_relu_and_scores_start_near_zero(changed):
    *hidden, (last, _, _) = layers(changed, "dnn", "kaiming", network="small-dnn")
    for layer, inputs, _ in hidden:
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / inputs), rel=0.1)
    assert last.weight.std().item() == pytest.approx(0.01, rel=0.1)


def test_a_hidden_layer_with_as_many_outputs_as_there_are_expressions_is_no_last_one():
    *_, hidden, last = (
        layer
        for layer in build_network("deep-dnn", width=7 / 16).modules()
        if isinstance(layer, nn.Linear)
    )
    assert hidden.out_features == last.out_features == 7
    assert hidden.weight.std() > 0.1 > last.weight.std()
