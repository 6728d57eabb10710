"""Which faces and labels the semi-supervised stage may see, and what its classifiers share."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pipeline import layout
from pipeline.errors import UserError
from pipeline.faces.photographs import Photographs, write_photographs
from pipeline.files import write_parquet
from pipeline.semisupervised.consistency import find_thresholds
from pipeline.semisupervised.partial_labels import choose_labelled, gather
from pipeline.semisupervised.result import read
from pipeline.semisupervised.stage import work
from pipeline.semisupervised.trainings import (
    CLASSIFIERS,
    lesson,
    new_autoencoder,
    new_classifier,
    seeded,
)
from pipeline.semisupervised.words import worth
from pipeline.shell import Stage
from pipeline.training import objectives
from pipeline.training.objectives import Chosen

from ..written import write_faces

PARTS = np.array(["train"] * 40 + ["validation"] * 10 + ["test"] * 10)


class Study:
    """Faces in a project of their own, and what the stage makes of them."""

    def __init__(self, params, rng):
        self.params = params
        self.pixels = rng.integers(0, 256, (60, 48, 48), dtype=np.uint8)
        write_faces(rng.integers(0, 7, 60), self.pixels)
        others = np.concatenate(
            [self.pixels[:3], self.pixels[45:47], self.pixels[55:56], 255 - self.pixels[:4]]
        )
        write_faces(np.full(10, -1), others, layout.UNLABELLED)
        numbers = np.array([0, 1, 2, 45, 46, 55, 60, 61, 62, 63])
        write_photographs(layout.PHOTOGRAPHS, Photographs(np.arange(60), numbers))
        write_parquet(layout.SPLIT, pd.DataFrame({"face": range(60), "part": PARTS}))

    def gather(self, **settings):
        return gather(self.set(**settings))

    def set(self, **settings):
        return self.params.semisupervised.model_copy(update=settings)

    def removed(self):
        kept = positions(self.gather().labelled, self.pixels)
        return [place for place in range(40) if place not in kept]

    def relabel(self, places, label):
        """Write labels into the stored table as they are, possible or not."""
        path = layout.LABELLED / "table.parquet"
        table = pq.read_table(path)
        labels = table["label"].to_numpy().astype(np.int16)
        labels[places] = label
        column = table.schema.get_field_index("label")
        pq.write_table(table.set_column(column, "label", pa.array(labels)), path)

    def outputs(self, **settings):
        """All files of the stage by their names."""
        folder = layout.folder("semisupervised")
        folder.mkdir(parents=True, exist_ok=True)
        params = self.params.model_copy(update={"semisupervised": self.set(**settings)})
        work(Stage("semisupervised", params))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def study(tmp_path, monkeypatch, rng, changed):
    monkeypatch.chdir(tmp_path)
    once = {"epochs": 1, "batch": 20}
    few = {"labelled_fraction": 0.5, "autoencoder": once, "classifier": once}
    return Study(changed(semisupervised=few), rng)


def positions(faces, pixels):
    places = {face.tobytes(): place for place, face in enumerate(pixels)}
    return {places.get(face.numpy().tobytes()) for face in faces.pixels}


@pytest.mark.study
def test_removed_labels_do_not_change_a_byte(study):
    removed = study.removed()
    assert len(removed) == 20
    before = study.outputs()
    trained = "trainings/consistent-0.safetensors"
    assert {"semisupervised.json", trained, "figures/accuracy.svg"} <= set(before)
    for label in (255, 3):
        study.relabel(removed, label)
        assert study.outputs() == before
    # Without this the test would pass where no label is read at all.
    study.relabel([place for place in range(40) if place not in removed], 3)
    after = study.outputs()
    grown, drawing = (f"trainings/{name}-0.safetensors" for name in ("pretrained", "autoencoder"))
    assert after[grown] != before[grown]
    assert after[drawing] == before[drawing]


def test_labels_are_kept_for_a_share_that_the_seed_alone_decides(study):
    def kept(count, seed=0, **settings):
        fit = study.set().classifier.model_copy(update={"seed": seed})
        return choose_labelled(count, study.set(classifier=fit, **settings))

    tenth = kept(1000, labelled_fraction=0.1)
    assert len(set(tenth)) == 100
    assert list(tenth) == sorted(tenth)
    assert (tenth == kept(1000, labelled_fraction=0.1)).all()
    assert (tenth != kept(1000, seed=1, labelled_fraction=0.1)).any()
    assert len(kept(3, labelled_fraction=0.01)) == 1
    assert list(kept(5, labelled_fraction=0.4, labelled_rows="last")) == [3, 4]


def test_no_face_without_a_label_is_among_the_labelled(study):
    study.relabel(study.removed(), 255)
    last = study.gather(labelled_rows="last").labelled
    assert positions(last, study.pixels) == {*range(20, 40)}
    material = study.gather()
    assert len(material.labelled) == 20
    assert set(material.labelled.labels.tolist()) <= set(range(7))
    assert (material.everything.labels == -1).all()


@pytest.mark.parametrize(
    ("network", "noise", "hidden", "code"),
    [("wide-autoencoder", 0.0, 0.0, 2304), ("bottleneck-autoencoder", 0.1, 0.5, 16)],
)
def test_results_say_which_autoencoder_it_was(study, network, noise, hidden, code):
    outputs = study.outputs(network=network, noise=noise, mask_ratio=hidden, code=16)
    found = json.loads(outputs["semisupervised.json"])
    said = (found["network"], found["noise"], found["mask_ratio"], found["code"])
    assert said == (network, noise, hidden, code)
    assert (found["parameters"]["autoencoder"] == 21_297) is (network == "wide-autoencoder")


@pytest.mark.parametrize("network", ["wide-autoencoder", "bottleneck-autoencoder"])
def test_both_classifiers_start_from_the_same_head_and_differ_by_the_encoder(study, network):
    settings = study.set(network=network)
    pretrained = new_autoencoder(settings)
    with torch.no_grad():
        for value in pretrained.parameters():
            value.add_(1)
    alone, grown = new_classifier(settings, None), new_classifier(settings, pretrained)
    for name, value in alone.head.state_dict().items():
        assert torch.equal(value, grown.head.state_dict()[name])
    for name, value in pretrained.encoder.state_dict().items():
        assert torch.equal(value, grown.encoder.state_dict()[name])
    first = "encoder.conv1.weight" if network == "wide-autoencoder" else "encoder.conv1.0.weight"
    assert not torch.equal(alone.get_parameter(first), grown.get_parameter(first))


def test_no_held_out_face_is_learned_from(study):
    material, without = study.gather(), study.gather(unlabelled_file=False)
    for faces in (material.everything, material.labelled):
        assert not positions(faces, study.pixels) & set(range(40, 60))
    assert positions(material.validation, study.pixels) == set(range(40, 50))
    assert np.array_equal(material.test_pixels, study.pixels[50:])
    assert (material.training_faces, without.training_faces) == (40, 40)
    assert len(without.everything) == 40
    assert len(material.everything) == 47  # 10 unlabelled, 3 of them copies of held-out ones


# Consistency


def test_rare_expressions_need_less_confidence(study):
    labels, method = torch.tensor([3] * 8 + [0] * 4 + [1]), study.set().consistency
    for rare, expected in (
        (0.5, [0.6, 0.45, 0.4, 0.8, 0.4, 0.4, 0.4]), (0.0, [0.8] * 7),
    ):  # fmt: skip
        settings = method.model_copy(update={"threshold": 0.8, "rare": rare})
        assert find_thresholds(labels, settings).tolist() == pytest.approx(expected)


@pytest.fixture
def task(study):
    material = study.gather()
    return lesson("consistent", study.set(), material.everything, material.labelled)[0], material


def a_batch(task, faces, says):
    """A batch of twelve faces of which the teacher says the same logits."""
    seen = []

    def teacher(inputs):
        seen.append(inputs)
        return torch.tensor(says).float().expand(len(inputs), 7)

    generator = torch.Generator().manual_seed(0)
    chosen = Chosen(faces, torch.arange(12), 0, generator, seed=0)
    return task.training_batch(chosen, teacher), seen


def test_a_batch_has_labelled_faces_and_others_in_two_versions(task):
    task, material = task
    batch, (weak,) = a_batch(task, material.everything, [0.0] * 7)
    labelled = round(12 * task.labelled_share)
    assert len(batch.targets) == labelled
    assert set(batch.targets.tolist()) <= set(material.labelled.labels.tolist())
    strong = batch.inputs[labelled:]
    assert weak.shape == strong.shape == (12, 1, 48, 48)
    original = material.everything.pixels[:12].unsqueeze(1).float()
    assert (strong - original).abs().mean() > (weak - original).abs().mean() * 0.9
    assert not torch.equal(weak, strong)


def test_the_network_learns_what_its_teacher_guesses_but_surer(task):
    task, material = task
    likely = [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    batch, _ = a_batch(task, material.everything, likely)
    guess = torch.tensor(likely).softmax(dim=0)
    sharp = torch.tensor(likely).div(task.settings.temperature).softmax(dim=0)
    assert sharp[3] > guess[3] + 0.2
    assert torch.allclose(batch.guesses, sharp.expand(12, 7))
    outputs = torch.randn(len(batch.inputs), 7, generator=torch.Generator().manual_seed(1))
    labelled = len(batch.targets)
    entropy = -(sharp * outputs[labelled:].log_softmax(dim=1)).sum(dim=1).mean()
    alone = task.loss(
        outputs[:labelled], objectives.Minibatch(batch.inputs[:labelled], batch.targets)
    )
    expected = alone + task.weight * entropy
    assert task.loss(outputs, batch) == pytest.approx(float(expected), rel=1e-5)


def test_guesses_below_their_threshold_teach_nothing(task):
    task, material = task
    strict = replace(task, thresholds=torch.full((7,), 0.8))
    unsure, sure = [0.0, 1.0, *[0.0] * 5], [0.0, 9.0, *[0.0] * 5]
    assert not a_batch(strict, material.everything, unsure)[0].guesses.any()
    batch, _ = a_batch(strict, material.everything, sure)
    assert batch.guesses.argmax(dim=1).tolist() == [1] * 12
    assert strict.scores(torch.zeros(len(batch.inputs), 7), batch)["trusted"] == 12


# What the classifiers share, so that a difference is that of unlabelled faces


def test_the_control_is_shown_as_many_faces_changed_alike_with_labels_in_place_of_guesses(study):
    material, settings = study.gather(), study.set()
    lessons = {
        name: lesson(name, settings, material.everything, material.labelled) for name in CLASSIFIERS
    }
    assert {len(faces) for _, faces in lessons.values()} == {len(material.everything)}
    control, faces = lessons["labelled_only"]
    assert faces.labels.tolist() == [*material.labelled.labels.tolist() * 3][: len(faces)]
    assert positions(faces, study.pixels) == positions(material.labelled, study.pixels)
    batch, asked = a_batch(control, faces, [0.0] * 7)
    beside, _ = a_batch(lessons["consistent"][0], material.everything, [0.0] * 7)
    assert batch.inputs.shape == beside.inputs.shape
    assert not asked  # nobody guesses
    assert batch.guesses.argmax(dim=1).tolist() == faces.labels[:12].tolist()
    assert torch.allclose(batch.guesses.max(dim=1).values, torch.tensor(0.9 + 0.1 / 7))
    for name in ("augmentation", "strong", "weight", "labelled_share", "label_smoothing"):
        assert getattr(control, name) == getattr(lessons["consistent"][0], name)


def test_no_validation_label_chooses_an_epoch(study, changed):
    for change, allowed in (({"keep": "best"}, "'last'"), ({"early_stopping": 3}, ".* equal to 0")):
        with pytest.raises(UserError, match=f"should be {allowed}"):
            changed(semisupervised={"classifier": change})
    before = study.outputs()
    study.relabel(list(range(40, 50)), 6)
    after = study.outputs()
    weights = [name for name in before if name.endswith(".safetensors")]
    assert len(weights) == 4
    assert all(after[name] == before[name] for name in weights)


def test_every_seed_trains_all_four_from_other_weights_on_other_labels(study, capsys):
    outputs = study.outputs(seeds=2)
    assert "starts anew" not in capsys.readouterr().out  # beside the checkpoints of the first seed
    for name in ("autoencoder", *CLASSIFIERS):
        first, second = (outputs[f"trainings/{name}-{seed}.safetensors"] for seed in (0, 1))
        assert first != second
    found = json.loads(outputs["semisupervised.json"])
    assert found["seeds"] == [0, 1]
    assert np.mean(found["gain"]["each"]) == pytest.approx(found["gain"]["accuracy"]["value"])
    said = "2 seeds, which also decide which faces keep their labels; figures"
    assert said in worth(read())
    study.outputs(seeds=2, labelled_rows="last")
    assert "2 seeds; figures" in worth(read())
    kept = [positions(gather(each).labelled, study.pixels) for each in seeded(study.set(seeds=2))]
    assert kept[0] != kept[1]
