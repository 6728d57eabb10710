"""Explanations pass sanity checks: they look at features, matter to the answer, and were learned.

Networks are trained on sample faces, of which it is known where brows, eyes and mouth are.
"""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from pipeline import layout
from pipeline.experiments.flops import CPU
from pipeline.explaining.subject import Subject, UnseenFaces
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.networks import NETWORKS
from pipeline.saliency.randomisation import (
    correlate_ranks,
    forget_by_layer,
    measure_randomisation,
    unlearned,
)
from pipeline.saliency.stage import explain
from pipeline.sample.sample import make_sample
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification

from ..networks.every import every
from ..networks.test_models import trained_a_little
from .test_saliency import maps_by

TRAINED, FACES = 480, 560


@pytest.fixture(scope="module")
def sample(params):
    easy = {"faces": FACES, "unlabelled": 0, "mislabelled": 0.0, "copies": 0.0, "noise": 4.0}
    return make_sample(params.sample.model_copy(update=easy))


def train(sample, settings):
    torch.manual_seed(0)
    model = Classifier(Architecture(settings.network, 0.1, "face"))
    sets = (FaceSet.of(sample, places) for places in np.split(np.arange(FACES), [TRAINED]))
    fit(model, Classification.of(settings), *sets, settings, CPU)
    return model.eval()


@pytest.fixture(scope="module", params=["cnn", "dnn"])
def measured(request, sample, params, tmp_path_factory):
    """What the stage finds out about a network that was trained for a short while."""
    short = {"epochs": 16, "learning_rate": 0.01} if request.param == "cnn" else {"epochs": 30}
    changes = short | {"batch": 64, "ema_decay": 0.9}
    model = train(sample, getattr(params.train, request.param).model_copy(update=changes))
    places = np.arange(TRAINED, FACES)
    faces = UnseenFaces(sample.pixels[places], sample.labels[places].astype(np.int64), places)
    fast = {"samples": 6, "steps": 4, "faces": 60, "random": 2}
    less = params.model_copy(update={"saliency": params.saliency.model_copy(update=fast)})
    subject = Subject("NETWORK", model, faces, less, tmp_path_factory.mktemp("figures"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "REGIONS", subject.figures / "regions.npz")
        np.savez(layout.REGIONS, **sample.regions)
        return explain(subject)


@pytest.mark.study
def test_saliency_falls_on_brows_eyes_and_mouth_more_than_by_chance(measured):
    assert measured.lift.low > 1
    assert measured.share_on_features > measured.area_of_features


@pytest.mark.study
def test_training_draws_saliency_to_the_features(measured):
    assert measured.learned.low > 0
    assert measured.share_on_features > measured.share_untrained


@pytest.mark.study
def test_deleting_salient_pixels_takes_the_answer_sooner_than_chance(measured):
    assert measured.deletion.difference["smoothgrad"].low > 0


@pytest.mark.study
def test_maps_change_when_the_network_forgets(measured):
    found = measured.randomisation
    by_layer = list(found.spearman.values())
    assert found.all.high < 0.5
    assert found.excess.value < 0.2
    assert by_layer[-1] == pytest.approx(found.all.value)
    assert by_layer[-1] < by_layer[0]


def test_a_map_of_edges_is_found_out(faces):
    """What depends on the face alone stays as it is, whatever the network forgets."""
    edges = np.hypot(*np.gradient(faces.astype(np.float32), axis=(1, 2)))
    found = measure_randomisation(trained_a_little(), lambda _: edges, seed=0)
    assert all(values == pytest.approx(1) for values in found.spearman.values())
    assert found.excess.low > 0.5  # far beyond what maps of other faces have in common


def test_what_all_maps_have_in_common_is_not_taken_for_the_face(rng):
    """Maps that are brighter in the middle, whichever face and network they are of."""
    line = np.arange(48) - 23.5
    middle = np.exp(-np.hypot(line[:, None], line[None]) / 12).astype(np.float32)

    def maps(_):
        return middle + rng.random((12, 48, 48), np.float32) * middle.std()

    found = measure_randomisation(trained_a_little(), maps, seed=0)
    assert found.all.low > 0.2
    assert found.others == pytest.approx(found.all.value, abs=0.05)
    assert found.excess.low < 0 < found.excess.high


def test_a_map_of_the_gradient_is_not_one_of_edges(faces):
    targets = np.array([0, 3, 6])
    found = measure_randomisation(
        trained_a_little("dense-dnn"),
        lambda network: np.abs(maps_by(network, faces, targets, method="gradient")),
        seed=0,
    )
    assert abs(found.spearman["dense1"]) < 0.15


@pytest.mark.parametrize("network", every(NETWORKS))
def test_every_layer_is_forgotten_in_its_turn_and_the_network_itself_is_not(network):
    def weights(classifier):
        """The first of each layer's: all of 40 million would take long to compare."""
        return {
            name: value.flatten()[:64].tolist() for name, value in classifier.state_dict().items()
        }

    learned = Classifier(Architecture(network, 0.1, "scale")).eval()
    before, fresh = weights(learned), weights(unlearned(learned, seed=3))
    left = {name for name in before if before[name] != fresh[name]}
    for layer, forgetting in forget_by_layer(learned, seed=3):
        state = weights(forgetting)
        still = {name for name in left if state[name] != fresh[name]}
        assert all(state[name] == before[name] for name in still)
        assert any(name.startswith(f"network.{layer}.") for name in left - still)
        left = still
    assert not left
    assert weights(learned) == before


def test_a_network_does_not_forget_into_the_weights_that_it_began_with():
    architecture = Architecture("dense-dnn", 0.1, "scale")
    torch.manual_seed(0)
    began = Classifier(architecture)
    fresh = unlearned(began, seed=0)
    assert not torch.equal(began.network.classify.weight, fresh.network.classify.weight)
    assert torch.equal(fresh.network.classify.weight, unlearned(began, 0).network.classify.weight)


def test_ranks_correlate_as_scipy_says(rng):
    first, second = rng.random((2, 4, 48, 48)).astype(np.float32)
    second = np.round(first + second, 1)  # with ties
    expected = [spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(first, second, strict=True)]
    assert correlate_ranks(first, second) == pytest.approx(expected)
    assert (correlate_ranks(first, np.zeros_like(first)) == 0).all()
