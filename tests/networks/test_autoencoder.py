import math
from typing import get_args

import pytest
import torch

from pipeline.networks.autoencoder import AUTOENCODERS, EncodedClassifier
from pipeline.networks.inference import reconstruct
from pipeline.networks.networks import count_parameters
from pipeline.networks.table import tabulate
from pipeline.semisupervised.params import AutoencoderName


@pytest.fixture
def grey(faces):
    return torch.from_numpy(faces).unsqueeze(1)


# As the reference report prints it: what each layer gives, and its parameters.
WIDE = [
    ("conv1", (16, 48, 48), 160), ("conv2", (16, 48, 48), 2320), ("pool1", (16, 24, 24), 0),
    ("pool2", (16, 12, 12), 0), ("conv3", (16, 12, 12), 2320), ("conv4", (16, 12, 12), 2320),
    ("up1", (16, 24, 24), 0), ("conv5", (32, 24, 24), 4640), ("conv6", (32, 24, 24), 9248),
    ("up2", (32, 48, 48), 0), ("conv7", (1, 48, 48), 289),
]  # fmt: skip


def test_the_wide_autoencoder_is_the_reports_layer_by_layer():
    model = AUTOENCODERS["wide-autoencoder"](128)
    rows = [row for row in tabulate(model) if not row.name.startswith(("scale", "relu", "sigmoid"))]
    assert [(row.name, row.shape, row.parameters) for row in rows] == WIDE
    assert count_parameters(model) == 21_297
    assert get_args(AutoencoderName) == tuple(AUTOENCODERS)


@pytest.mark.parametrize(
    ("name", "size"), [("bottleneck-autoencoder", 32), ("wide-autoencoder", 2304)]
)
def test_a_code_has_the_size_that_is_told_and_gradients_reach_every_parameter(
    name, size, faces, grey
):
    torch.manual_seed(0)
    model = AUTOENCODERS[name](32)
    # Not the sum of the output: what batch normalisation takes out would have no gradient at all.
    (model(grey) - grey / 255).square().mean().backward()
    dead = [key for key, value in model.named_parameters() if not value.grad.abs().sum() > 0]
    assert dead == []
    assert model.code_size == size == model.encoder(grey.float())[0].numel()
    drawn = reconstruct(model, faces)
    assert drawn.shape == faces.shape
    assert 0 <= drawn.min() <= drawn.max() <= 255


def test_the_wide_autoencoder_and_its_classifier_start_from_glorot_s_weights_as_in_keras():
    autoencoder = AUTOENCODERS["wide-autoencoder"](128)
    third, last = autoencoder.get_submodule("conv3"), EncodedClassifier(autoencoder, 0.0).head[-1]
    for layer, fans in ((third, 9 * (16 + 16)), (last, 2304 + 7)):
        bound = math.sqrt(6 / fans)
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_a_classifier_takes_over_the_encoder_and_nothing_behind_it(name, grey):
    autoencoder = AUTOENCODERS[name](32)
    classifier = EncodedClassifier(autoencoder, 0.1).eval()
    autoencoder.eval()
    assert classifier(grey).shape == (3, 7)
    assert torch.equal(classifier.encoder(grey), autoencoder.encoder(grey))
    behind = {id(value) for value in autoencoder.parameters()} - {
        id(value) for value in autoencoder.encoder.parameters()
    }
    assert behind
    assert not behind & {id(value) for value in classifier.parameters()}
