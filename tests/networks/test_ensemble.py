"""Several networks that answer together."""

import pytest
import torch

from pipeline.errors import UserError
from pipeline.experiments.flops import CPU
from pipeline.filters.activations import first_member
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.matching import wanted_size
from pipeline.networks.networks import build_network, count_parameters
from pipeline.networks.store import load_classifier, save_classifier
from pipeline.saliency.randomisation import forget_by_layer
from pipeline.train.classifier import tabulate_members
from pipeline.training.face_set import FaceSet
from pipeline.training.loop import fit
from pipeline.training.objectives import Classification


@pytest.fixture
def ensemble():
    torch.manual_seed(0)
    return build_network("small-dnn", dropout=0.0, members=3)


def test_members_start_apart_and_the_mean_of_their_logits_is_the_answer(ensemble):
    faces = torch.rand(4, 1, 48, 48)
    first, second, third = (member(faces) for member in ensemble.eval().children())
    assert not torch.allclose(first, second)
    assert not torch.allclose(second, third)
    assert torch.allclose(ensemble(faces), (first + second + third) / 3, atol=1e-6)


@pytest.mark.parametrize(("face", "learning"), [(0, 0), (1, 1), (5, 2), (6, 0)])
def test_in_training_a_face_teaches_one_member_alone_and_is_answered_in_its_place(
    ensemble, face, learning
):
    faces, members = torch.rand(9, 1, 48, 48), list(ensemble.train().children())
    logits = ensemble(faces)
    assert logits.shape == (9, 7)
    assert torch.allclose(logits[face], members[learning](faces[learning::3])[face // 3], atol=1e-5)
    logits[face].square().sum().backward()
    moved = [
        any(p.grad is not None and p.grad.any() for p in member.parameters()) for member in members
    ]
    assert moved == [place == learning for place in range(3)]


@pytest.mark.parametrize("members", [1, 2])
def test_an_ensemble_is_saved_with_all_its_members(tmp_path, members):
    model = Classifier(Architecture("small-dnn", 0.0, "face", members=members)).eval()
    save_classifier(model, tmp_path)
    if members == 1:  # as from before there were ensembles
        description = tmp_path / "model.json"
        before = description.read_text()
        description.write_text(before.replace(',\n    "members": 1', ""))
        assert description.read_text() != before
    faces = torch.rand(3, 1, 48, 48) * 255
    assert torch.equal(load_classifier(tmp_path)(faces), model(faces))


def test_a_dnn_of_the_cnns_size_has_that_of_all_its_members(changed):
    params = changed(train={"cnn": {"ensemble": 3}, "dnn": {"match": "cnn"}})
    alone = count_parameters(build_network(params.train.cnn.network))
    assert wanted_size(params, "dnn") == 3 * alone
    assert wanted_size(params, "cnn") == 0
    apart = changed(train={"cnn": {"ensemble": 3}, "dnn": {"match": "dnn"}})
    assert wanted_size(apart, "dnn") == 0


def test_members_without_faces_enough_are_named(changed):
    with pytest.raises(UserError, match=r"train\.cnn\.ensemble = 5: .*two faces.*batch is 8"):
        changed(train={"cnn": {"batch": 8, "ensemble": 5}})


def test_the_table_lists_the_layers_of_every_member():
    alone, together = (
        Classifier(Architecture("compact-cnn", 0.0, "face", members=n)) for n in (1, 2)
    )
    one, both = tabulate_members(alone), tabulate_members(together)
    assert [row.name for row in both] == [f"member{n}.{row.name}" for n in (1, 2) for row in one]
    trainable = sum(row.trainable for row in one)
    assert sum(row.trainable for row in both) == count_parameters(together) == 2 * trainable


def test_all_members_forget_a_layer_together():
    torch.manual_seed(0)
    learned = Classifier(Architecture("leaky-cnn", 0.0, "face", members=2)).eval()
    with torch.no_grad():
        for weight in learned.parameters():
            weight.fill_(0.5)  # what no initial weight is
    names, kept = [], []
    for name, forgetting in forget_by_layer(learned, seed=0):
        names.append(name)
        members = forgetting.network.children()
        kept.append([
            {part for part, weight in member.named_parameters() if (weight == 0.5).all()}
            for member in members
        ])  # fmt: skip
    assert names[0] == "classify"
    assert len(names) == len(set(names)) > 3
    assert all(first == second for first, second in kept)
    assert kept[0][0]
    assert not kept[-1][0]


def test_filters_are_those_of_the_first_member():
    model = Classifier(Architecture("compact-cnn", 0.0, "face", members=2)).eval()
    path, network = first_member(model)
    assert path == "network.member1"
    assert model.get_submodule(path) is network
    assert "block3" in dict(network.named_children())
    alone = Classifier(Architecture("compact-cnn", 0.0, "face"))
    assert first_member(alone) == ("network", alone.network)


def test_a_training_set_too_small_for_the_members_is_named(params):
    model = Classifier(Architecture("small-dnn", 0.0, "face", members=3))
    settings = params.train.dnn.model_copy(update={"epochs": 1})
    task = Classification.of(settings)

    def train(count):
        faces = FaceSet(torch.zeros(count, 48, 48, dtype=torch.uint8), torch.arange(count) % 7)
        return fit(model, task, faces, faces, settings, CPU)

    assert train(6).history
    with pytest.raises(UserError, match="5 faces are in a batch: each of 3 members needs two"):
        train(5)
