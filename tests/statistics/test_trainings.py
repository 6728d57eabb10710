"""Intervals over seeds and faces hold the truth at least as often as they say."""

import numpy as np
import pytest

from pipeline.params import Bootstrap
from pipeline.statistics.intervals import macro_f1
from pipeline.statistics.trainings import (
    compare_trainings,
    holm,
    mean_accuracy_and_f1,
    mean_over_seeds,
)

CHANCE = Bootstrap(resamples=300, seed=0)
APART = np.arange(200)
"""Each face is a photograph of its own."""


@pytest.fixture
def answers(rng):
    """Labels of 200 faces, and the answers of two ways to train with three seeds each."""
    labels = rng.integers(0, 7, 200)

    def trained(accuracies):
        right = rng.random((3, 200)) < np.array(accuracies)[:, None]
        return np.where(right, labels, (labels + 1) % 7)

    return labels, trained([0.7, 0.8, 0.75]), trained([0.4, 0.5, 0.45])


@pytest.mark.parametrize("of_faces", [0.2, 1.0])
@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_an_interval_over_seeds_and_faces_holds_the_truth(seeds, of_faces):
    """Also where seeds matter most, where a bootstrap over two holds it two times of three."""
    rng, held = np.random.default_rng(1), []
    for number in range(600):
        found = rng.normal(0, 1, seeds) + rng.normal(0, of_faces)
        drawn = found + rng.normal(0, of_faces, (300, 1))
        low, high = np.percentile(
            mean_over_seeds(np.concatenate([found[None], drawn]), number)[1:], [2.5, 97.5]
        )
        held.append(low <= 0 <= high)
    assert 0.93 <= np.mean(held) <= 0.995


def test_several_trainings_count_by_their_mean_and_their_spread(answers):
    labels, first, second = answers
    gain = compare_trainings(labels, first, second, APART, CHANCE)
    right, of_second = (first == labels).mean(axis=1), (second == labels).mean(axis=1)
    assert gain.each == pytest.approx((right - of_second).tolist())
    assert gain.accuracy.value == pytest.approx(np.mean(gain.each))
    matrices = np.zeros((3, 7, 7), int)
    for matrix, row in zip(matrices, first, strict=True):
        np.add.at(matrix, (labels, row), 1)
    accuracy, f1 = mean_accuracy_and_f1(labels, first, APART, CHANCE)
    assert (accuracy.value, f1.value) == pytest.approx((right.mean(), macro_f1(matrices).mean()))
    # The same mean from seeds that agree is surer.
    steady = compare_trainings(labels, first[[0, 0, 0]], second[[0, 0, 0]], APART, CHANCE).accuracy
    assert steady.high - steady.low < gain.accuracy.high - gain.accuracy.low


def test_no_interval_over_seeds_holds_what_no_share_can_be(answers):
    """Two seeds that are ten points apart: Student's interval alone has 127 points."""
    labels, first, second = (each[..., :50] for each in answers)
    accuracy, f1 = mean_accuracy_and_f1(labels, first[:2], np.arange(50), CHANCE)
    assert (accuracy.high, f1.high) == (1, 1)
    assert accuracy.low >= 0
    apart = np.stack([labels, second[0]])
    gain = compare_trainings(labels, apart, second[:2], np.arange(50), CHANCE)
    assert (gain.accuracy.low, gain.accuracy.high) == (-1, 1)
    assert (gain.macro_f1.low, gain.macro_f1.high) == (-1, 1)


def test_the_p_value_of_several_trainings_is_that_of_the_interval(answers):
    labels, first, second = answers
    assert compare_trainings(labels, first, second, APART, CHANCE).p < 0.05
    assert compare_trainings(labels, first, first, APART, CHANCE).p == 1
    assert compare_trainings(labels, first, second[::-1], APART, CHANCE).p == pytest.approx(
        compare_trainings(labels, second, first[::-1], APART, CHANCE).p, abs=0.1
    )


def test_p_values_are_corrected_for_their_number():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
