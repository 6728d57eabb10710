import csv
import gzip
from dataclasses import replace

import numpy as np
import pytest

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Sample as Params
from pipeline.params import load
from pipeline.sample.drawing.actions import Actions
from pipeline.sample.drawing.people import People, column
from pipeline.sample.drawing.photograph import draw_faces, paint
from pipeline.sample.sample import SHARES, make_sample, write_sample

DEFAULTS = load().sample


def sample_params(**changes) -> Params:
    return DEFAULTS.model_copy(update=changes)


PARAMS = sample_params(faces=400, unlabelled=40, copies=0.05, mislabelled=0.1)


@pytest.fixture(scope="module")
def sample():
    return make_sample(PARAMS)


def read(path):
    """Numbers of the first column, and pixels."""
    with gzip.open(path, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    numbers = np.array([int(number) for number, _ in rows])
    pixels = np.array([text.split(" ") for _, text in rows]).astype(np.uint8)
    return header, numbers, pixels.reshape(-1, 48, 48)


def test_files_read_back_as_the_arrays(sample, tmp_path):
    write_sample(sample, tmp_path)

    header, labels, pixels = read(tmp_path / "train.csv.gz")
    assert header == ["label", "feature"]
    np.testing.assert_array_equal(labels, sample.labels)
    np.testing.assert_array_equal(pixels, sample.pixels)

    header, ids, pixels = read(tmp_path / "test.csv.gz")
    assert header == ["id", "feature"]
    np.testing.assert_array_equal(ids, np.arange(PARAMS.unlabelled))
    np.testing.assert_array_equal(pixels, sample.unlabelled)

    with np.load(tmp_path / "regions.npz") as regions:
        assert set(regions) == {"brows", "eyes", "mouth"}
        for name, mask in regions.items():
            assert mask.dtype == bool
            np.testing.assert_array_equal(mask, sample.regions[name])


def test_same_seed_same_bytes_another_other_faces(sample, tmp_path):
    write_sample(sample, tmp_path / "one")
    write_sample(make_sample(PARAMS), tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["regions.npz", "test.csv.gz", "train.csv.gz"]
    for name in names:
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes()
        if name.endswith(".gz"):
            assert content[3:8] == bytes(5), "gzip header holds a name or a time"
    other = make_sample(PARAMS.model_copy(update={"seed": 1}))
    assert not (other.pixels == sample.pixels).all(axis=(1, 2)).any()
    assert (other.labels != sample.labels).any()


def test_a_failed_write_leaves_nothing_behind_nor_does_an_earlier_test_file(sample, tmp_path):
    (tmp_path / "train.csv.gz").mkdir()
    with pytest.raises(OSError, match=r"train\.csv\.gz"):
        write_sample(sample, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv.gz"]
    (tmp_path / "train.csv.gz").rmdir()
    (tmp_path / "test.csv.gz").write_bytes(b"of an earlier sample")
    write_sample(make_sample(sample_params(faces=70, unlabelled=0)), tmp_path)
    assert not (tmp_path / "test.csv.gz").exists()


def test_classes_are_as_common_as_in_fer2013(sample):
    shares = np.bincount(sample.expressions, minlength=7) / PARAMS.faces
    np.testing.assert_allclose(shares, SHARES, atol=0.02)
    assert shares.argmin() == EXPRESSIONS.index("disgust")
    assert (np.diff(sample.expressions) != 0).mean() > 0.5, "not in random order"
    small = make_sample(sample_params(faces=70, unlabelled=0))
    assert np.bincount(small.expressions, minlength=7).min() == 5


def test_some_labels_are_wrong(sample):
    assert (sample.labels != sample.expressions).mean() == pytest.approx(PARAMS.mislabelled)
    right = make_sample(PARAMS.model_copy(update={"mislabelled": 0.0}))
    np.testing.assert_array_equal(right.labels, right.expressions)
    all_wrong = make_sample(sample_params(faces=70, unlabelled=1, copies=1.0, mislabelled=1.0))
    assert len(np.unique(all_wrong.pixels, axis=0)) == len(EXPRESSIONS)
    assert (all_wrong.labels != all_wrong.expressions).all()


def test_some_faces_are_copies(sample):
    copies = np.flatnonzero(sample.sources >= 0)
    sources = sample.sources[copies]
    assert len(copies) == PARAMS.copies * PARAMS.faces
    np.testing.assert_array_equal(sample.pixels[copies], sample.pixels[sources])
    np.testing.assert_array_equal(sample.expressions[copies], sample.expressions[sources])
    for region in sample.regions.values():
        np.testing.assert_array_equal(region[copies], region[sources])
    assert len(np.unique(sample.pixels, axis=0)) == PARAMS.faces - len(copies)


def test_some_labelled_faces_are_among_the_unlabelled(sample):
    labelled = {face.tobytes() for face in sample.pixels}
    known = [face.tobytes() in labelled for face in sample.unlabelled]
    np.testing.assert_array_equal(known, sample.shared >= 0)
    assert sum(known) == 2
    here = sample.shared >= 0
    np.testing.assert_array_equal(sample.unlabelled[here], sample.pixels[sample.shared[here]])


@pytest.mark.parametrize(
    ("feature", "trait", "value"),
    [
        ("brows", "brow_thickness", 2.5), ("brows", "brow_arch", 3.0),
        ("brows", "outer_brow_raiser", 1.0), ("eyes", "iris", 0.9),
        ("eyes", "upper_lid_raiser", 1.0), ("eyes", "lids_droop", 1.0),
        ("mouth", "mouth_curve", 3.0), ("mouth", "lips", 2.5), ("mouth", "lips_part", 1.0),
        ("mouth", "lip_stretcher", 1.0),
    ],
)  # fmt: skip
def test_a_feature_changes_pixels_inside_its_region_only(feature, trait, value):
    rng = np.random.default_rng(0)
    people = replace(People.random(28, rng), glasses=column(np.zeros(28)))
    actions = Actions.random(np.tile(np.arange(7), 4), np.ones(28, np.float32), rng)
    before = paint(people, actions)
    changed = {trait: column(np.full(28, value))}
    if hasattr(people, trait):
        people = replace(people, **changed)
    else:
        actions = replace(actions, **changed)
    after = paint(people, actions)
    moved = before.pixels != after.pixels
    region = before.regions[feature] | after.regions[feature]
    assert moved.any(axis=(1, 2)).mean() > 0.8
    assert not (moved & ~region).any()
    assert region.mean() < 0.2
    for other in before.regions.keys() - {feature}:
        np.testing.assert_array_equal(before.regions[other], after.regions[other])


def test_glasses_do_not_hide_the_eyes_region():
    rng = np.random.default_rng(0)
    people = People.random(8, rng)
    actions = Actions.random(np.full(8, 6), np.ones(8, np.float32), rng)
    bare = paint(replace(people, glasses=column(np.zeros(8))), actions)
    worn = paint(replace(people, glasses=column(np.ones(8))), actions)
    assert (bare.pixels != worn.pixels).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(bare.regions["eyes"], worn.regions["eyes"])


def test_an_expression_shows_as_strongly_as_asked():
    def face(expression, strength):
        rng = np.random.default_rng(3)
        labels = np.full(20, EXPRESSIONS.index(expression))
        return draw_faces(labels, np.full(20, strength, np.float32), rng).pixels.astype(float)

    np.testing.assert_array_equal(face("surprise", 0.0), face("neutral", 0.0))
    weak = np.abs(face("surprise", 0.3) - face("neutral", 0.3)).mean()
    strong = np.abs(face("surprise", 1.0) - face("neutral", 1.0)).mean()
    assert 0 < 1.5 * weak < strong


def test_faces_do_not_depend_on_how_many_are_painted_at_once():
    rng = np.random.default_rng(0)
    people = People.random(5, rng)
    actions = Actions.random(np.arange(5), np.ones(5, np.float32), rng)
    alone = paint(people.rows(slice(3, 4)), actions.rows(slice(3, 4)))
    np.testing.assert_array_equal(alone.pixels[0], paint(people, actions).pixels[3])


def test_noise_is_bounded_by_its_parameter():
    def faces(noise):
        rng = np.random.default_rng(0)
        return draw_faces(np.full(64, 6), np.ones(64, np.float32), rng, noise).pixels.astype(float)

    spread = (faces(10.0) - faces(0.0)).std(axis=(1, 2))
    assert 7 < spread.max() < 10.5
    assert spread.min() < 3
