import numpy as np
import pytest
import torch

from pipeline.analysis.filters import (
    choose_filters,
    layer_outputs,
    maximise,
    noise_images,
)
from pipeline.errors import UserError
from pipeline.models.networks import convolutions

from .test_models import trained_a_little


@pytest.fixture(scope="module")
def model():
    return trained_a_little().float()


@pytest.fixture
def faces(rng):
    return rng.integers(0, 256, (3, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize("layer", ["network.stem.0", "network.block2", "network.block3.second.0"])
def test_outputs_of_a_layer_are_what_it_gives_in_a_whole_pass(model, faces, layer):
    seen = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda _module, _inputs, output: seen.append(output.detach().clone())
    )
    with torch.no_grad():
        model(torch.from_numpy(faces).unsqueeze(1))
    handle.remove()
    assert np.array_equal(layer_outputs(model, layer, faces), seen[0].numpy())


@pytest.mark.parametrize("layer", ["network.stem", "network.block3"])
def test_maximisation_excites_each_of_several_different_filters(model, layer):
    filters = choose_filters(32, 5, seed=0)
    assert len(set(filters)) == 5
    found = maximise(
        model, layer, filters, noise_images(5, 0),
        steps=64, learning_rate=3.0, smoothness=0.0, seed=0,
    )  # fmt: skip
    assert sorted(found.filters) == sorted(filters)
    assert (found.after > found.before).all()
    assert list(found.after) == sorted(found.after, reverse=True)
    assert found.images.shape == (5, 48, 48)
    assert found.images.min() >= 0
    assert found.images.max() <= 255
    assert len({image.tobytes() for image in found.images}) == 5
    # What is reported of an image is what the filter says of that image.
    for number, image, after in zip(found.filters, found.images, found.after, strict=True):
        with torch.no_grad():
            outputs = model.get_submodule("network")[: 1 if layer.endswith("stem") else 4](
                model.normalise(torch.from_numpy(image)[None, None])
            )
        assert outputs[0, number].mean().item() == pytest.approx(after, rel=1e-3, abs=1e-4)


def test_smoothness_makes_smoother_images(model):
    def roughness(smoothness):
        found = maximise(
            model, "network.block1", [0, 1], noise_images(2, 0),
            steps=20, learning_rate=3.0, smoothness=smoothness, seed=0,
        )  # fmt: skip
        return np.abs(np.diff(found.images, axis=2)).mean()

    assert roughness(1.0) < 0.7 * roughness(0.0)


def test_a_layer_that_is_not_there_names_those_that_are(model, faces):
    with pytest.raises(UserError, match=r"'block9' is not in this network.*stem\.0"):
        layer_outputs(model.network, "block9", faces)
    dnn = trained_a_little("dense-dnn")
    assert convolutions(dnn.network) == []
    with pytest.raises(UserError, match="its convolutions are: none"):
        layer_outputs(dnn.network, "stem", faces)
