"""Maps are the gradients that they claim to be; deletion finds out what they are worth."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.explaining.subject import Answer, Subject, UnseenFaces
from pipeline.networks.networks import NETWORKS
from pipeline.predict.explanation import map_faces
from pipeline.predict.recogniser import Recogniser
from pipeline.saliency.deletion import SHARES, brightest_first, delete, measure_deletion
from pipeline.saliency.features import share_inside
from pipeline.saliency.figures import draw_deletion, draw_pictures, draw_rows, grey, overlay
from pipeline.saliency.params import Saliency
from pipeline.saliency.result import Deletion
from pipeline.saliency.saliency import (
    BATCH,
    METHODS,
    completeness_error,
    keep_brightest,
    make_maps,
    maps_of,
)

from ..networks.every import every
from ..networks.test_models import trained_a_little
from ..written import words_of

TARGETS = np.array([0, 3, 6])

QUICK = Saliency(samples=16, noise=0.1, steps=24, mask=0.25, faces=2, random=1, seed=0)


def maps_by(model, faces, targets, method, **settings):
    return make_maps(model, faces, targets, method, QUICK.model_copy(update=settings))


@pytest.mark.parametrize("method", ["gradient", "loss"])
def test_a_gradient_is_that_of_finite_differences(faces, method):
    maps = maps_by(trained_a_little(), faces, TARGETS, method=method)
    # The classifier's own forward casts to float32: go around it, in double precision.
    model, face = trained_a_little().double(), torch.from_numpy(faces[:1]).double().unsqueeze(1)

    def score(grey_levels):
        logits = model.network(model.normalise(grey_levels))
        loss = functional.cross_entropy(logits, torch.tensor([0]))
        return (logits[0, 0] if method == "gradient" else loss).item()

    for row, column in [(10, 20), (24, 24), (40, 5)]:
        up, down = face.clone(), face.clone()
        up[0, 0, row, column] += 0.01
        down[0, 0, row, column] -= 0.01
        slope = (score(up) - score(down)) / 0.02
        assert maps[0, row, column] == pytest.approx(slope, rel=0.02, abs=1e-6)


def test_smoothgrad_repeats_itself_and_needs_no_luck_of_others(faces):
    model = trained_a_little()

    def maps(seed):
        return maps_by(model, faces, TARGETS, method="smoothgrad", samples=6, seed=seed)

    before = torch.get_rng_state()
    first = maps(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert np.array_equal(first, maps(0))
    assert not np.array_equal(first, maps(1))
    assert first.shape == (3, 48, 48)
    assert first.min() < 0 < first.max()


def test_smoothgrad_is_the_mean_of_signed_gradients(rng):
    """Against a mean of our own; the mean of their sizes, which passes for one, is another map."""
    model = trained_a_little("small-dnn", "scale")
    face = np.full((1, 48, 48), 128, np.uint8)  # without edges: noise decides each unit's side
    maps = maps_by(model, face, TARGETS[:1], method="smoothgrad", samples=1000, noise=0.3)[0]
    noisy = torch.from_numpy(128 + 255 * 0.3 * rng.standard_normal((1000, 1, 48, 48)))
    inputs = noisy.float().requires_grad_()
    (gradients,) = torch.autograd.grad(model(inputs)[:, 0].sum(), inputs)
    signed, sizes = gradients.mean(dim=0)[0].numpy(), gradients.abs().mean(dim=0)[0].numpy()
    assert np.abs(maps - signed).mean() < 0.3 * np.abs(np.abs(maps) - sizes).mean()


@pytest.mark.study
@pytest.mark.parametrize("normalisation", ["none", "scale", "face", "dataset"])
@pytest.mark.parametrize("network", ["slim-paired-cnn", "leaky-cnn", "dense-dnn"])
def test_integrated_gradients_add_up_to_the_change_of_the_score(
    faces, params, network, normalisation
):
    def error(steps):
        maps = maps_by(model, faces, TARGETS, "integrated", steps=steps)
        return completeness_error(model, faces, TARGETS, maps)

    model = trained_a_little(network, normalisation)
    assert error(params.section(Saliency).steps) < 0.05
    assert error(2) >= error(300)


def test_a_network_that_always_answers_alike_misses_nothing(faces):
    model = trained_a_little("small-dnn")
    for parameter in model.parameters():
        parameter.data.zero_()
    maps = maps_by(model, faces, TARGETS, "integrated")
    assert completeness_error(model, faces, TARGETS, maps) == 0


@pytest.mark.parametrize("network", every(NETWORKS))
def test_every_network_has_a_map(faces, network):
    maps = maps_by(trained_a_little(network), faces[:1], np.array([4]), method="gradient")
    assert maps.shape == (1, 48, 48)
    assert np.abs(maps).max() > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("network", ["leaky-cnn", "dense-dnn"])
def test_every_method_explains_every_network_in_evaluation_mode(faces, method, network):
    model = trained_a_little(network)
    quiet = maps_by(model, faces, TARGETS, method=method, samples=2, steps=3)
    assert quiet.shape == (3, 48, 48)
    assert np.abs(quiet).max() > 0
    model.train()  # dropout and batch statistics would change every map
    again = maps_by(model, faces, TARGETS, method=method, samples=2, steps=3)
    assert np.array_equal(again, quiet)
    assert not model.training


def test_maps_that_are_measured_and_shown_have_no_signs(faces, params, tmp_path):
    model, three = trained_a_little(), np.arange(3)
    subject = Subject("CNN", model, UnseenFaces(faces, TARGETS, three), params, tmp_path)
    assert all(maps_of(subject, three, method).min() >= 0 for method in METHODS)
    answers = Recogniser(model, 1.0, 0.5, params.evaluate.tta).answer(3 * [None], faces)
    assert (map_faces(answers, model, QUICK) > 0).mean() > 0.9


def test_maps_see_the_preprocessing_that_the_model_was_trained_with(faces):
    scaled, plain = trained_a_little("leaky-cnn", "scale"), trained_a_little("leaky-cnn", "none")
    plain.load_state_dict(scaled.state_dict())
    with torch.enable_grad():
        inputs = (torch.from_numpy(faces).float().unsqueeze(1) / 255).requires_grad_()
        plain(inputs)[range(3), TARGETS].sum().backward()
    maps = maps_by(scaled, faces, TARGETS, method="gradient")
    assert np.allclose(maps, inputs.grad[:, 0].numpy() / 255, rtol=1e-3, atol=1e-8)


def test_many_faces_are_explained_as_each_would_be(rng):
    model, faces = trained_a_little(), rng.integers(0, 256, (BATCH + 3, 48, 48), dtype=np.uint8)
    targets = np.arange(len(faces)) % 7
    maps = maps_by(model, faces, targets, method="gradient")
    alone = maps_by(model, faces[-1:], targets[-1:], method="gradient")
    assert np.allclose(maps[-1], alone[0], rtol=1e-3, atol=1e-7)


def test_the_mask_keeps_the_brightest_share_and_the_share_inside_a_region_is_known(rng, faces):
    maps = rng.random((3, 48, 48)).astype(np.float32)
    kept = keep_brightest(faces, maps, 0.25)
    shown = maps >= np.quantile(maps.reshape(3, -1), 0.75, axis=1)[:, None, None]
    assert shown.mean() == pytest.approx(0.25, abs=0.001)
    assert (kept[shown] == faces[shown]).all()
    assert (kept[~shown] == 128).all()
    maps, regions = np.ones((2, 48, 48), np.float32), np.zeros((2, 48, 48), bool)
    regions[:, :12] = True
    maps[1, :12] = 9
    assert share_inside(maps, regions) == pytest.approx([0.25, 0.75])
    assert share_inside(0 * maps, regions) == pytest.approx([0, 0])


class LooksAtCorner(nn.Module):
    """Says class 0 as far as the upper left corner is bright."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.02))

    def forward(self, faces):
        bright = self.weight * (faces.float()[:, 0, :12, :12].mean(dim=(1, 2)) - 100)
        return torch.stack([4 * bright, *6 * [torch.zeros_like(bright)]], dim=1)


@pytest.fixture
def corner_faces(rng):
    faces = rng.integers(0, 100, (40, 48, 48), dtype=np.uint8)
    faces[:, :12, :12] += 150
    return faces


def test_deleting_what_matters_takes_the_answer_sooner_than_chance(corner_faces):
    model, targets = LooksAtCorner(), np.zeros(40, int)
    maps = {
        "gradient": maps_by(model, corner_faces, targets, method="gradient"),
        "noise": np.random.default_rng(3).random((40, 48, 48)).astype(np.float32),
    }
    found = measure_deletion(model, corner_faces, targets, maps, orders=3, seed=0)
    assert found.difference["gradient"].low > 0.2
    assert found.difference["noise"].low < 0.01
    assert abs(found.difference["noise"].value) < 0.01
    # All faces are judged by one corner: their mean map knows as much as each map, the centre less.
    assert abs(found.opponents["mean_map"].value) < 0.05
    assert found.opponents["centre"].low > 0.2
    at_random = np.trapezoid(found.random, found.shares)
    assert found.area_random == pytest.approx(at_random)
    area = at_random - np.trapezoid(found.salient["gradient"], found.shares)
    assert found.difference["gradient"].value == pytest.approx(area)


def test_curves_go_from_the_whole_face_to_none_and_the_brightest_pixel_first(corner_faces):
    maps = np.zeros((1, 48, 48), np.float32)
    maps[0, 3, 5], maps[0, 7, 1] = 2, 1
    assert list(brightest_first(maps)[0, :2]) == [3 * 48 + 5, 7 * 48 + 1]
    model, targets = LooksAtCorner(), np.zeros(40, int)
    order = brightest_first(np.random.default_rng(0).random((40, 48, 48)).astype(np.float32))
    curves = delete(model, corner_faces, targets, order)
    assert curves.shape == (40, len(SHARES))
    mean = np.rint(corner_faces.mean(axis=(1, 2), keepdims=True)).astype(np.uint8)
    for column, faces in ((0, corner_faces), (-1, np.tile(mean, (1, 48, 48)))):
        with torch.no_grad():
            expected = model(torch.from_numpy(faces).unsqueeze(1)).softmax(dim=1)[:, 0]
        assert np.allclose(curves[:, column], expected.numpy(), atol=1e-6)


def test_figures_say_what_the_network_said(rng):
    faces = rng.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    over = overlay(faces, rng.random((2, 48, 48)).astype(np.float32))
    answers = [Answer("sad", "sad", 0.93), Answer("fear", "neutral", 0.51)]

    for figure in (
        draw_rows([("face", grey(faces)), ("map", over)], answers, "Title"),
        draw_pictures(over, answers, "Title", columns=2),
    ):
        words = " ".join(words_of(figure))
        assert "right, 93%" in words
        assert "as neutral, 51%" in words
    curve = SHARES.tolist()
    found = Deletion(curve, dict.fromkeys(METHODS, curve), curve, 0.5, {}, {})
    assert "at random" in words_of(draw_deletion(found, "Title"))
    assert 0 <= over.min() <= over.max() <= 1
