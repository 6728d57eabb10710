import re

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import UserError
from pipeline.split.result import Parts
from pipeline.split.split import PARTS, count_leaks, count_leaks_by_near_copies, split_faces
from pipeline.split.words import lines


@pytest.fixture
def table(rng):
    """Two thousand faces, a tenth of them copies of another, one class rare."""
    labels = rng.choice(7, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17], size=2000)
    photograph = np.arange(2000)
    photograph[rng.choice(2000, 200, replace=False)] = rng.choice(2000, 200)
    usage = ["Training"] * 1600 + ["PublicTest"] * 200 + ["PrivateTest"] * 200
    return pd.DataFrame({"label": labels, "photograph": photograph, "usage": usage})


@pytest.fixture
def settings(params):
    return params.split.model_copy(update={"held_out": 0.2, "validation": 0.5})


@pytest.mark.parametrize("method", ["stratified", "shuffled", "first_rows", "usage"])
def test_every_face_has_one_part_and_each_part_its_share(table, settings, method):
    changed = settings.model_copy(update={"method": method, "copies_together": False})
    parts = split_faces(table, changed)
    counts = {part: int((parts == part).sum()) for part in PARTS}
    assert sum(counts.values()) == len(table)
    assert counts == {"train": 1600, "validation": 200, "test": 200}


def test_stratified_keeps_the_mix_of_expressions(table, settings):
    parts = split_faces(table, settings)
    whole = np.bincount(table["label"]) / len(table)
    for part in PARTS:
        of_part = table["label"][parts == part]
        assert np.abs(np.bincount(of_part, minlength=7) / len(of_part) - whole).max() < 0.02


def test_first_rows_train_and_usage_follows_the_file(table, settings):
    def parts(**changes):
        return list(split_faces(table, settings.model_copy(update=changes)))

    half = parts(method="first_rows", held_out=0.5, copies_together=False)
    assert half == ["train"] * 1000 + ["validation"] * 500 + ["test"] * 500
    assert parts(method="usage") == ["train"] * 1600 + ["validation"] * 200 + ["test"] * 200


@pytest.mark.parametrize("method", ["stratified", "shuffled"])
def test_the_seed_decides(table, settings, method):
    first, again, other = (
        split_faces(table, settings.model_copy(update={"method": method, "seed": seed}))
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


USAGE = {"method": "usage"}
BAD_SPLITS = {
    "no part": (["none"] * 9, USAGE, "none of 9 faces has a part; give the file"),
    "some without": (
        ["Training"] * 5 + ["none"] * 4, USAGE, "4 of 9 faces have no part, and Training 5",
    ),
    "one part": (["Training"] * 9, USAGE, "or rows of that Usage to a CSV file"),
    "no training": (
        ["PublicTest"] * 5 + ["PrivateTest"] * 4, USAGE,
        "PublicTest 5, PrivateTest 4 alone; it needs",
    ),
    "none to choose": (
        ["Training"] + ["PrivateTest"] * 8, USAGE, "none of 1 training faces can be for validation",
    ),
    "nothing held out": (
        ["none"] * 9, {"method": "shuffled", "held_out": 0.04},
        "leaves no face for validation: there are 9 faces, 9 of them different, split.held_out",
    ),
    "a rare expression": (["none"] * 9, {"method": "stratified"}, r"fewest are disgust \(1\)"),
}  # fmt: skip


@pytest.mark.parametrize(("usage", "change", "message"), BAD_SPLITS.values(), ids=BAD_SPLITS)
def test_a_method_that_does_not_suit_says_why_and_its_advice_does(usage, change, message, settings):
    usage = [None if each == "none" else each for each in usage]
    faces = pd.DataFrame({"label": [0] * 8 + [1], "photograph": range(9), "usage": usage})
    settings = settings.model_copy(update={"held_out": 0.33, "validation": 0.25, **change})
    with pytest.raises(UserError, match=message) as caught:
        split_faces(faces, settings)
    advised = re.search(r"use split\.method: (\w+)", str(caught.value))
    halves = {"held_out": 0.5, "validation": 0.5}
    settings = settings.model_copy(update={"method": advised[1]} if advised else halves)
    assert set(split_faces(faces, settings)) == set(PARTS)


def test_as_many_faces_as_parts_are_needed(settings):
    faces = pd.DataFrame({"label": [0] * 4, "photograph": [0, 0, 1, 1], "usage": None})
    with pytest.raises(UserError, match="4 labelled faces, 2 of them different, are too few"):
        split_faces(faces, settings)


@pytest.mark.parametrize("held_out", ["PublicTest", "PrivateTest"])
def test_of_two_parts_one_gives_the_figures_and_training_faces_choose(table, settings, held_out):
    table["usage"] = np.where(table["usage"] == "Training", "Training", held_out)
    settings = settings.model_copy(update={"method": "usage", "validation": 0.25})
    parts = split_faces(table, settings)
    assert ((parts == "test") == (table["usage"] == held_out)).all()
    chosen = table[parts == "validation"]
    assert set(chosen["label"]) == set(range(7))
    assert len(chosen) / (table["usage"] == "Training").sum() == pytest.approx(0.25, abs=0.03)
    assert not set(chosen["photograph"]) & set(table["photograph"][parts != "validation"])
    assert (parts == split_faces(table, settings)).all()


def test_of_two_parts_every_expression_keeps_a_training_face(table, settings):
    table["usage"] = np.where(np.arange(2000) % 2, "Training", "PrivateTest")
    table["photograph"] = np.arange(2000)
    few = table.groupby(["usage", "label"]).head(2)
    parts = split_faces(few, settings.model_copy(update={"method": "usage", "validation": 0.9}))
    for part, faces in (("train", 1), ("validation", 1), ("test", 2)):
        assert np.bincount(few["label"][parts == part]).tolist() == [faces] * 7


def test_what_became_of_the_sources_own_parts_is_said(settings):
    own = {"Training": 42, "PrivateTest": 13}
    parts = Parts(train=32, validation=10, test=13, copies_across_parts=13, by_exact_copies_alone=0)
    usage, pooled = settings.model_copy(update={"method": "usage"}), settings
    assert "PrivateTest gives the figures" in " ".join(lines(parts, own, usage))
    assert "pooled and parted anew (stratified)" in " ".join(lines(parts, own, pooled))
    assert "WARNING: 13 validation or test faces" in lines(parts, own, usage)[-1]
    assert lines(parts, {}, pooled)[0] == "train 32, validation 10, test 13"


@pytest.mark.parametrize("method", ["stratified", "shuffled", "first_rows", "usage"])
@pytest.mark.parametrize("together", [True, False])
def test_validation_faces_of_a_refit_train_and_test_faces_stay(table, settings, method, together):
    def parts(fraction):
        update = {"method": method, "copies_together": together, "refit_fraction": fraction}
        return split_faces(table, settings.model_copy(update=update))

    before, after = parts(0.0), parts(0.8)
    assert ((before == "test") == (after == "test")).all()
    assert set(before[before != after]) == {"validation"}
    assert set(after[before != after]) == {"train"}
    validated, left = (
        np.bincount(table["label"][part == "validation"], minlength=7) for part in (before, after)
    )
    assert ((left > 0) == (validated > 0)).all()  # each expression is still validated
    assert left.sum() / validated.sum() == pytest.approx(0.22, abs=0.04)


@pytest.mark.parametrize("method", ["stratified", "shuffled", "first_rows"])
def test_a_face_of_a_refit_takes_its_copies_along(table, settings, method):
    update = {"method": method, "refit_fraction": 0.5}
    parts = split_faces(table, settings.model_copy(update=update))
    assert count_leaks(table["photograph"].to_numpy(), parts) == 0


def test_a_copy_of_a_test_face_is_not_in_a_refit(table, settings):
    usage = settings.model_copy(update={"method": "usage"})
    before = split_faces(table, usage)
    after = split_faces(table, usage.model_copy(update={"refit_fraction": 0.9}))
    of_test = table["photograph"].isin(table["photograph"][before == "test"])
    assert (of_test & (before == "validation")).any()  # the file has parted some copies
    assert not of_test[before != after].any()


def test_an_expression_that_near_copies_alone_have_ends_no_split(settings):
    """A face whose photograph has another label first counts for it, and by itself as its own."""
    faces = pd.DataFrame({"label": [0] * 20 + [1], "photograph": [*range(20), 0], "usage": None})
    assert set(split_faces(faces, settings)) == set(PARTS)
    assert count_leaks_by_near_copies(faces.assign(md5=range(21)), settings) == 0


@pytest.mark.parametrize("method", ["stratified", "shuffled", "first_rows"])
def test_it_says_how_many_near_copies_would_have_been_parted(table, settings, method):
    """Every copy of this table is one pixel by pixel, or none of them is."""
    own = settings.model_copy(update={"method": method})
    exact = table.assign(md5=table["photograph"].astype(str))
    near = table.assign(md5=[str(face) for face in range(len(table))])
    assert count_leaks_by_near_copies(exact, own) == 0
    apart = split_faces(table, own.model_copy(update={"copies_together": False}))
    parted = count_leaks(table["photograph"].to_numpy(), apart)
    assert count_leaks_by_near_copies(near, own) == parted > 0
