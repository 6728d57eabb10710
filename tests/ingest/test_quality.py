"""The data report counts classes, parts, copies, one-grey images and shared faces."""

import numpy as np
import pandas as pd
import pytest

from pipeline.faces.store import Faces, face_md5
from pipeline.ingest.quality import assess, count_parts, count_shared


def store(labels, sums, usage=None):
    """A store as far as its table tells."""
    table = {
        "label": np.array(labels, np.int8),
        "md5": [*sums],
        "usage": usage or [None] * len(labels),
    }
    return Faces(np.empty((0, 48, 48), np.uint8), pd.DataFrame(table, index=range(len(labels))))


def test_classes_are_counted_by_name_and_unlabelled_faces_nowhere():
    quality = assess(store([3, 3, 6, -1], "abcd"))
    assert quality.faces == 4
    assert [*quality.classes.values()] == [0, 0, 0, 2, 0, 0, 1]


@pytest.mark.parametrize(
    ("labels", "sums", "found"),
    [
        ([0, 0, 0, 1, 2, 5, 5], "aaabbcd", (2, 3, 1)),
        ([-1, 4, -1, -1], "aabb", (2, 2, 1)),
        ([], "", (0, 0, 0)),
    ],
)
def test_copies_are_the_faces_beyond_the_first_and_their_labels_may_disagree(labels, sums, found):
    quality = assess(store(labels, sums))
    assert (quality.groups, quality.copies, quality.disagreeing) == found


def test_images_of_one_grey_are_counted_each():
    greys = [np.full((48, 48), value, np.uint8) for value in (0, 0, 255, 17)]
    almost = greys[0].copy()
    almost[47, 47] = 1
    quality = assess(store([0] * 5, [face_md5(face) for face in [*greys, almost]]))
    assert (quality.constant, quality.copies) == (4, 1)


def test_shared_faces_are_counted_in_the_first_store():
    first, second, empty = store([-1] * 4, "aabc"), store([0] * 3, "acd"), store([], "")
    assert [count_shared(*pair) for pair in [(first, second), (second, first)]] == [3, 2]
    assert count_shared(empty, first) == count_shared(first, empty) == 0


def test_parts_are_counted_by_expression_where_a_face_has_one():
    parts = count_parts(store([3, 3, 6], "abc", ["PublicTest", None, "Training"]))
    assert [*parts] == ["Training", "PublicTest", "no part"]
    assert [sum(each.values()) for each in parts.values()] == [1, 1, 1]
    assert parts["PublicTest"]["happy"] == 1
    assert count_parts(store([3, 3], "ab")) == {}
