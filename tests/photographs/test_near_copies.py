"""Faces of one photograph have one number, whatever was done to them; those of two people two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from pipeline.faces.photographs import Photographs, read_photographs, write_photographs
from pipeline.faces.store import face_md5
from pipeline.params import load
from pipeline.photographs.near_copies import SAME, correlate, count_copies, group_photographs
from pipeline.sample.sample import make_sample

PEOPLE = 300


def sums(pixels):
    return np.array([face_md5(face) for face in pixels], dtype=object)


def group(*stores):
    return group_photographs(stores, sums(np.concatenate(stores))).tolist()


@pytest.fixture(scope="module")
def people():
    """Drawn faces, each of another person."""
    section = load().sample.model_copy(update={"faces": PEOPLE, "unlabelled": 0, "copies": 0.0})
    return make_sample(section).pixels


def change(face, how):
    if how == "darker":
        return (face * 0.5).astype(np.uint8)
    if how == "retouched":
        face = face.copy()
        face[40:44, 10:38] = face[40:44, 10:38] // 2 + 60  # as a watermark would
        return face
    if how == "mirrored":
        return face[:, ::-1].copy()
    box = {"shifted": (0, 1, 47, 48), "closer": (0.5, 0.5, 47.5, 47.5)}[how]
    return np.asarray(Image.fromarray(face).resize((48, 48), Image.Resampling.BILINEAR, box))


WAYS = ("darker", "retouched", "mirrored", "shifted", "closer")


@pytest.mark.parametrize("how", WAYS)
def test_a_changed_photograph_is_found(people, how):
    changed = np.array([change(face, how) for face in people[:60]])
    found = np.array(group(people, changed))
    assert (found[PEOPLE:] == np.arange(60)).mean() >= 0.95


def test_people_are_not_taken_for_one_another(people):
    assert group(people) == list(range(PEOPLE))


def test_copies_of_copies_belong_to_the_first_and_stores_share_their_numbers(people):
    dark = change(people[4], "darker")
    mirrored = change(dark, "mirrored")
    found = group(people[:5], np.stack([people[1], dark]), mirrored[None])
    assert found == [0, 1, 2, 3, 4, 1, 4, 4]


def test_drawings_of_a_few_strokes_are_exact_copies_or_none():
    def draw(grey, left):
        face = np.full((48, 48), 26, np.uint8)
        face[4:44, 6 + left : 40 + left] = grey
        face[16:20, 12 + left : 18 + left] = face[16:20, 28 + left : 34 + left] = 40
        return face

    drawn = np.stack([draw(150, 0), draw(160, 0), draw(150, 1), draw(150, 0)])
    assert correlate(drawn[:1], drawn[1:2]).item() > SAME
    assert group(drawn) == [0, 1, 2, 0]


def test_blank_faces_are_copies_of_their_own_grey_alone():
    greys = np.stack([np.full((48, 48), grey, np.uint8) for grey in (0, 9, 0, 255)])
    assert group(greys) == [0, 1, 0, 3]
    assert group(np.empty((0, 48, 48), np.uint8)) == []
    assert correlate(greys, greys).tolist() == [0, 0, 0, 0]


@settings(max_examples=25)
@given(
    face=some.integers(0, PEOPLE - 1), gain=some.floats(0.4, 1), lift=some.integers(0, 100),
    down=some.integers(-2, 2), right=some.integers(-2, 2),
)  # fmt: skip
def test_light_and_small_shifts_do_not_matter(people, face, gain, lift, down, right):
    padded = np.pad(people[face], 2, mode="edge")
    moved = padded[2 + down : 50 + down, 2 + right : 50 + right]
    changed = np.rint(moved * gain * (255 - lift) / 255 + lift).astype(np.uint8)
    assert correlate(people[face][None], changed[None])[0] > SAME


def test_near_copies_are_counted_by_what_they_differ_in():
    """Photograph 0 is there in two versions, one of them twice; of 1 there are exact copies."""
    found = Photographs(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 7]))
    labelled = np.array(["a", "b", "b", "c", "c", "d"], dtype=object)
    counts = count_copies(found, labelled, np.array(["a", "e", "f", "g"], dtype=object))
    assert vars(counts) == {"photographs": 1, "faces": 3, "near_copies": 1, "shared": 2}


def test_what_is_written_is_read_back(tmp_path):
    found = Photographs(np.array([0, 0, 2]), np.array([2, 4]))
    file = tmp_path / "photographs.parquet"
    write_photographs(file, found)
    for written, read in zip(found, read_photographs(file), strict=True):
        assert written.tolist() == read.tolist()
