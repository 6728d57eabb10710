"""The data report counts classes, copies, one-grey images and faces shared between stores."""

import numpy as np

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import Outline, digest
from pipeline.ingest.quality import assess, count_shared


def outline(labels, digests):
    rows = np.arange(1, len(labels) + 1)
    return Outline(np.array(labels, np.int8), rows, np.array(digests, "S16"))


def test_classes_are_counted_by_name_and_unlabelled_faces_nowhere():
    quality = assess(outline([3, 3, 6, -1], ["a", "b", "c", "d"]))
    assert quality.faces == 4
    assert list(quality.classes.items()) == list(
        zip(EXPRESSIONS, [0, 0, 0, 2, 0, 0, 1], strict=True)
    )


def test_copies_are_the_faces_beyond_the_first_of_a_group_and_their_labels_may_disagree():
    quality = assess(outline([0, 0, 0, 1, 2, 5, 5], ["a", "a", "a", "b", "b", "c", "d"]))
    assert (quality.groups, quality.copies, quality.disagreeing) == (2, 3, 1)
    quality = assess(outline([-1, 4, -1, -1], ["a", "a", "b", "b"]))
    assert (quality.groups, quality.copies, quality.disagreeing) == (2, 2, 1)


def test_digests_that_end_in_zeros_are_told_apart():
    digests = [b"x" * 15 + b"\0", b"x" * 15 + b"\1", b"x" * 14 + b"\0\0", b"x" * 15 + b"\0"]
    quality = assess(outline([0, 1, 2, 3], digests))
    assert (quality.groups, quality.copies, quality.disagreeing) == (1, 1, 1)
    assert count_shared(outline([0, 0], digests[1:3]), outline([0], digests[:1])) == 0


def test_images_of_one_grey_are_counted_each():
    greys = [np.full((48, 48), value, np.uint8) for value in (0, 0, 255, 17)]
    almost = greys[0].copy()
    almost[47, 47] = 1
    quality = assess(outline([0] * 5, [digest(face) for face in [*greys, almost]]))
    assert (quality.constant, quality.copies) == (4, 1)


def test_shared_faces_are_counted_in_the_first_outline():
    first, second = outline([-1] * 4, ["a", "a", "b", "c"]), outline([0] * 3, ["a", "c", "d"])
    assert count_shared(first, second) == 3
    assert count_shared(second, first) == 2


def test_empty_outlines_count_nothing():
    quality = assess(outline([], []))
    assert (quality.faces, quality.copies, quality.groups, quality.constant) == (0, 0, 0, 0)
    assert count_shared(outline([], []), outline([1], ["a"])) == 0
