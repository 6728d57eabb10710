"""Images excite the filters that they are made for; each network shows its own filters."""

import numpy as np
import pytest
import torch

from pipeline.errors import UserError
from pipeline.explaining.ascent import noise_images
from pipeline.explaining.subject import Subject, UnseenFaces
from pipeline.filters.activations import last_convolution, layer_outputs, pick_layers
from pipeline.filters.filters import choose_filters, maximise, strongest_filters
from pipeline.filters.stage import explain
from pipeline.networks.networks import CONVOLUTIONAL, build_network, convolutions
from pipeline.params import Ascent

from ..networks.every import every
from ..networks.test_models import trained_a_little


@pytest.fixture(scope="module")
def model():
    return trained_a_little().float()


def ascent(steps, smoothness=0.0):
    return Ascent(steps=steps, learning_rate=3.0, smoothness=smoothness, seed=0)


@pytest.fixture
def subject(tmp_path, params, faces):
    """A subject for a network of any name, with few and short ascents."""

    def make(network, **filters):
        settings = {"filters": 3, "strongest": 2, "random": 3, "steps": 4, **filters}
        changed = params.model_copy(update={"filters": params.filters.model_copy(update=settings)})
        test_faces = UnseenFaces(faces, np.arange(3), np.arange(3))
        return Subject("CNN", trained_a_little(network), test_faces, changed, tmp_path)

    return make


@pytest.mark.parametrize("layer", ["network.stem.0", "network.block2", "network.block3.second.0"])
def test_outputs_of_a_layer_are_those_of_a_whole_pass_and_the_strongest_come_first(
    model, faces, layer
):
    seen = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda _module, _inputs, output: seen.append(output.detach().clone())
    )
    with torch.no_grad():
        model(torch.from_numpy(faces).unsqueeze(1))
    handle.remove()
    outputs = layer_outputs(model, layer, faces)
    assert np.array_equal(outputs, seen[0].numpy())
    means = {number: float(maps.mean()) for number, maps in enumerate(outputs[0])}
    assert list(strongest_filters(outputs[0], 6)) == sorted(means, key=means.get, reverse=True)[:6]


@pytest.mark.study
@pytest.mark.parametrize("layer", ["network.stem", "network.block3"])
def test_maximisation_excites_each_of_several_different_filters(model, layer):
    filters = choose_filters(32, 5, seed=0)
    assert len(set(filters)) == 5
    images, found = maximise(model, layer, filters, noise_images(5, 0), ascent(64))
    assert sorted(found.filters) == sorted(filters)
    assert (np.array(found.after) > found.before).all()
    assert found.after == sorted(found.after, reverse=True)
    assert images.shape == (5, 48, 48)
    assert 0 <= images.min() <= images.max() <= 255
    assert len({image.tobytes() for image in images}) == 5
    # What is reported of an image is what the filter says of that image.
    for number, image, after in zip(found.filters, images, found.after, strict=True):
        with torch.no_grad():
            outputs = model.get_submodule("network")[: 1 if layer.endswith("stem") else 4](
                model.normalise(torch.from_numpy(image)[None, None])
            )
        assert outputs[0, number].mean().item() == pytest.approx(after, rel=1e-3, abs=1e-4)


def test_smoothness_makes_smoother_images_and_few_steps_move_little(model):
    def images(steps, smoothness):
        return maximise(
            model, "network.block1", [0, 1], noise_images(2, 0), ascent(steps, smoothness)
        )[0]

    smooth, rough = (np.abs(np.diff(images(20, each), axis=2)).mean() for each in (1.0, 0.0))
    assert smooth < 0.7 * rough
    once = images(1, 0.0)
    assert 0 <= once.min() <= once.max() <= 255
    assert np.abs(once - noise_images(2, 0)).max() < 60


def test_a_layer_that_is_not_there_names_those_that_are(model, faces):
    with pytest.raises(UserError, match=r"'block9' is not in this network.*stem\.0"):
        layer_outputs(model.network, "block9", faces)
    dnn = trained_a_little("dense-dnn")
    assert convolutions(dnn.network) == []
    with pytest.raises(UserError, match="its convolutions are: none"):
        layer_outputs(dnn.network, "stem", faces)


@pytest.mark.parametrize(
    ("network", "layers"),
    [
        ("compact-cnn", ["stem", "block1", "block2", "block3"]),
        ("triple-cnn", ["conv1", "conv4", "conv6", "conv9"]),
        ("plain-cnn", ["conv1", "conv2", "conv3"]),
        ("dense-dnn", []),
    ],
)
def test_layers_are_picked_from_the_first_to_the_last(network, layers):
    assert pick_layers(build_network(network)) == layers


@pytest.mark.parametrize("network", every(CONVOLUTIONAL))
def test_the_last_convolution_of_every_network_can_be_shown(network, faces):
    model = trained_a_little(network)
    layer = f"network.{last_convolution(model.network)}"
    outputs = layer_outputs(model, layer, faces[:1])
    assert outputs.ndim == 4
    assert outputs[0].any(axis=(1, 2)).any()
    images, _ = maximise(model, layer, [0, 1], noise_images(2, 0), ascent(1))
    assert images.shape == (2, 48, 48)


@pytest.mark.study
@pytest.mark.parametrize(
    ("network", "first", "last"),  # behind its normalisation, if that comes before the activation
    [
        ("compact-cnn", "stem.2", "block3.second.0"),
        ("paired-cnn", "pair1.first.2", "pair4.second.0"),
        ("leaky-cnn", "leaky1", "conv4"),
        ("two-by-two-cnn", "relu1", "conv4"),
    ],
)
def test_every_network_with_convolutions_shows_its_filters(subject, network, first, last):
    made = subject(network)
    found = explain(made)
    assert set(found.of) == set(found.layers)
    kinds = ("from-noise", "from-face", "strongest")
    assert {path.stem for path in made.figures.glob("*.svg")} == {
        "kernels", "first-outputs", "first", "last", "last-outputs",
        *(f"{layer}-{kind}" for layer in found.layers for kind in kinds),
    }  # fmt: skip
    for layer in found.of.values():
        for each in (layer.noise, layer.face):
            assert each.after == sorted(each.after, reverse=True)
        assert len(set(layer.strongest.filters)) == 2
    assert sorted(found.first.filters) == list(range(len(found.first.filters)))
    assert found.first.after == sorted(found.first.after, reverse=True)
    assert found.first.layer == first
    assert found.random.layer == last
    assert len(set(found.random.filters)) == 3


@pytest.mark.study
def test_the_layers_that_are_asked_for_are_shown(subject):
    assert explain(subject("triple-cnn", layers=["conv2", "conv6"])).layers == ["conv2", "conv6"]
    with pytest.raises(UserError, match=r"'conv10' is not in this network.*conv9"):
        explain(subject("triple-cnn", layers=["conv10"]))


def test_a_dense_network_says_that_it_has_no_filters(subject):
    made = subject("dense-dnn", layers=["conv2"])
    found = explain(made)
    assert found.layers == []
    assert "no filters" in found.note
    assert not list(made.figures.glob("*"))
