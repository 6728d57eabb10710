import copy
import functools
import json

import numpy as np
import pytest
import torch

from pipeline.errors import UserError
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.networks.normalise import Normalise
from pipeline.networks.store import load_classifier, save_classifier
from pipeline.params import TTA


def as_tensor(faces):
    return torch.from_numpy(faces).unsqueeze(1)


def trained_a_little(name="compact-cnn", normalisation="face"):
    """A classifier whose weights and statistics are no longer those it starts with."""
    return copy.deepcopy(train_a_little(name, normalisation))


@functools.cache
def train_a_little(name, normalisation):
    torch.manual_seed(0)
    model = Classifier(Architecture(name, 0.1, normalisation, mean=120.0, deviation=60.0))
    model.train()
    model(torch.rand(8, 1, 48, 48) * 255)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return model.eval()


def test_normalisation_is_what_it_says(faces):
    grey = as_tensor(faces).float()
    assert torch.equal(Normalise("none")(grey), grey)
    assert torch.equal(Normalise("scale")(grey), grey / 255)
    assert torch.allclose(Normalise("dataset", 100.0, 50.0)(grey), (grey - 100) / 50)
    by_face = Normalise("face")(grey)
    assert by_face.mean(dim=(1, 2, 3)).abs().max() < 1e-4
    assert (by_face.std(dim=(1, 2, 3)) - 1).abs().max() < 1e-2
    # Neither light nor contrast changes it, and a black face is no reason for NaN.
    assert torch.allclose(Normalise("face")(grey * 0.5 + 60), by_face, atol=0.01)
    assert not Normalise("face")(torch.zeros(1, 1, 48, 48)).any()


@pytest.mark.parametrize(
    ("name", "normalisation"),
    [
        ("paired-cnn", "none"),
        ("leaky-cnn", "scale"),
        ("compact-cnn", "face"),
        ("dense-dnn", "dataset"),
    ],
)
def test_a_saved_classifier_comes_back_the_same(tmp_path, faces, name, normalisation):
    model = trained_a_little(name, normalisation)
    save_classifier(model, tmp_path)
    loaded = load_classifier(tmp_path)
    assert not loaded.training
    assert loaded.architecture == model.architecture
    assert torch.allclose(loaded(as_tensor(faces)), model(as_tensor(faces)), atol=1e-4)
    assert json.loads((tmp_path / "model.json").read_text())["classes"][3] == "happy"


def test_a_folder_that_is_no_model_says_so(tmp_path):
    save_classifier(trained_a_little("dense-dnn"), tmp_path)
    weights, description = tmp_path / "weights.safetensors", tmp_path / "model.json"
    whole, said = weights.read_bytes(), description.read_text()
    for tensors, text in (
        (whole[:1000], said), (whole, said.replace("dense-dnn", "compact-cnn")), (whole, "{"),
        (whole, said.replace('"width": 1.0', '"width": NaN')), (whole, "\udce9"), (None, said),
    ):  # fmt: skip
        weights.write_bytes(tensors) if tensors else weights.unlink()
        description.write_text(text, errors="surrogateescape")
        with pytest.raises(UserError, match=str(tmp_path)):
            load_classifier(tmp_path)
    weights.mkdir()
    with pytest.raises(UserError, match=str(tmp_path)):
        load_classifier(tmp_path)


def test_probabilities_sum_to_one_and_batches_do_not_matter(rng):
    faces = rng.integers(0, 256, (600, 48, 48), dtype=np.uint8)
    model = trained_a_little("dense-dnn")
    together = predict_probabilities(model, faces)
    assert together.shape == (600, 7)
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    apart = np.concatenate(
        [predict_probabilities(model, faces[k : k + 200]) for k in (0, 200, 400)]
    )
    assert np.allclose(together, apart, atol=1e-5)
    assert predict_probabilities(model, faces[:0]).shape == (0, 7)


def test_views_are_a_face_moved_each_way_its_border_repeated_and_the_mirror_images(faces):
    model = trained_a_little("dense-dnn")
    bordered = np.pad(faces, [(0, 0), (3, 3), (3, 3)], mode="edge")
    moved = [
        bordered[:, 3 + down : 51 + down, 3 + right : 51 + right]
        for down, right in ((0, 0), (-3, 0), (3, 0), (0, -3), (0, 3))
    ]
    answers = [predict_probabilities(model, view) for view in moved]
    shifted = predict_probabilities(model, faces, TTA(flip=False, shift=3))
    assert np.allclose(shifted, np.mean(answers, axis=0), atol=1e-5)
    assert not np.allclose(shifted, answers[0], atol=1e-5)

    flip = TTA(flip=True, shift=0)
    flipped = predict_probabilities(model, faces, flip)
    assert np.allclose(flipped, predict_probabilities(model, faces[:, :, ::-1], flip), atol=1e-5)
    mirrored = [predict_probabilities(model, view[:, :, ::-1]) for view in moved]
    assert np.allclose(flipped, (answers[0] + mirrored[0]) / 2, atol=1e-5)
    both = predict_probabilities(model, faces, TTA(flip=True, shift=3))
    assert np.allclose(both, np.mean(answers + mirrored, axis=0), atol=1e-5)
