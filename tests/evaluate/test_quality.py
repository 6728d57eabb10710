"""Recall by brightness, contrast and sharpness, in thirds that the training faces make."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.evaluate.quality import CHUNK, compare_thirds, measure_faces
from pipeline.statistics.intervals import share_difference


def test_measures_are_what_they_are_called(rng):
    faces = rng.integers(0, 256, (6, 48, 48)).astype(np.uint8)
    found = measure_faces(faces)
    assert found["brightness"] == pytest.approx([face.mean() for face in faces], rel=1e-5)
    assert found["contrast"] == pytest.approx([face.std() for face in faces], rel=1e-5)
    laplacians = [ndimage.laplace(face.astype(float))[1:-1, 1:-1].var() for face in faces]
    assert found["sharpness"] == pytest.approx(laplacians, rel=1e-5)


def test_many_faces_are_measured_in_parts_and_keep_their_places():
    faces = np.zeros((CHUNK + 3, 48, 48), np.uint8)
    faces[-1] = 200
    assert measure_faces(faces)["brightness"][[0, CHUNK, -1]].tolist() == [0, 0, 200]


def test_training_faces_make_the_thirds_and_test_faces_are_counted_in_them():
    test = np.array([1.0] * 4 + [15.0] * 4 + [29.0] * 2)
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    right = np.array([True, True, False, False, True, True, True, False, True, True])
    found = compare_thirds(np.arange(31.0), test, labels, {"cnn": right})
    assert found.edges == (10, 20)
    thirds = found.thirds["cnn"]
    assert [third.faces for third in thirds] == [4, 4, 2]
    assert [third.accuracy.value for third in thirds] == [0.5, 0.75, 1]
    # Expression 0 is always named, 1 once of four times.
    assert [third.expected for third in thirds] == [0.625, 0.625, 1]
    assert found.difference["cnn"].value == 0.5


def test_a_third_without_test_faces_is_none():
    found = compare_thirds(np.arange(31.0), np.ones(3), np.zeros(3, int), {"cnn": np.ones(3, bool)})
    assert [third.faces for third in found.thirds["cnn"]] == [3, 0, 0]
    assert found.thirds["cnn"][2].accuracy is None
    assert found.difference["cnn"] is None


def test_a_difference_of_shares_has_newcombes_interval():
    first, second = np.arange(70) < 56, np.arange(80) < 48
    found = share_difference(first, second)
    # His example (a): 56/70 less 48/80, by method 10.
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
