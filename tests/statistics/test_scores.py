"""Scores agree with scikit-learn, and intervals with their formulae."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from pipeline.evaluate.evaluate import roles
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.mathematics import softmax
from pipeline.params import Bootstrap
from pipeline.statistics.intervals import mean_interval
from pipeline.statistics.scores import among_two_likeliest, majority_accuracy, score
from pipeline.statistics.trainings import compare, mean_accuracy_and_f1


@pytest.fixture
def labels(rng):
    return rng.choice(7, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17], size=800)


@pytest.fixture
def probabilities(rng, labels):
    """Right in about two of three faces."""
    return softmax(rng.normal(size=(800, 7)) + 2 * np.eye(7)[labels]).astype(np.float32)


def test_scores_agree_with_scikit_learn(probabilities, labels):
    result = score(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert result.macro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert result.log_loss == pytest.approx(metrics.log_loss(labels, probabilities), abs=1e-5)
    top2 = among_two_likeliest(probabilities, labels).mean()
    assert top2 == pytest.approx(metrics.top_k_accuracy_score(labels, probabilities, k=2))
    recalls = metrics.recall_score(labels, predicted, average=None)
    assert [result.per_class[name].recall for name in EXPRESSIONS] == pytest.approx(list(recalls))
    assert sum(part.faces for part in result.per_class.values()) == 800
    two_of_seven = [0, 0, 3, 3]  # what does not occur does not count for macro-F1
    assert score(np.eye(7, dtype=np.float32)[two_of_seven], np.array(two_of_seven)).macro_f1 == 1


def test_the_majority_is_that_of_the_training_faces():
    assert majority_accuracy(np.array([3, 3, 1]), np.array([3, 1, 1, 1])) == 0.25


def test_intervals_are_as_wide_as_they_should_be(probabilities, labels):
    predicted = probabilities.argmax(axis=1)
    chance = Bootstrap(resamples=4000, seed=0)
    accuracy, f1 = mean_accuracy_and_f1(labels, predicted[None], np.arange(800), chance)
    assert accuracy.value == pytest.approx((predicted == labels).mean())
    assert f1.value == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    spread = 1.96 * np.sqrt(accuracy.value * (1 - accuracy.value) / 800)
    assert accuracy.high - accuracy.low == pytest.approx(2 * spread, rel=0.1)
    many = np.tile(labels, 16), np.tile(predicted, (1, 16))
    narrow, _ = mean_accuracy_and_f1(*many, np.arange(800 * 16), chance)
    assert narrow.high - narrow.low == pytest.approx((accuracy.high - accuracy.low) / 4, rel=0.15)
    # Sixteen copies of each say no more than one.
    copied, of_copies = mean_accuracy_and_f1(*many, np.tile(np.arange(800), 16), chance)
    assert (copied, of_copies) == (accuracy, f1)
    mean = mean_interval(np.arange(101.0))
    assert mean.value == 50
    assert mean.low == pytest.approx(50 - 1.984 * 29.3 / np.sqrt(101), abs=0.01)


def test_no_or_all_answers_right_are_less_than_certain():
    labels, chance = np.array([3, 3, 5, 6]), Bootstrap(resamples=100, seed=0)
    photographs = np.array([0, 0, 1, 2])
    for predicted, value in ((labels, 1), (labels - 1, 0)):
        for found in mean_accuracy_and_f1(labels, predicted[None], photographs, chance):
            # Wilson's, of three photographs: 3 / (3 + z²).
            apart = 3 / (3 + 1.96**2)
            ends = (apart, 1) if value else (0, 1 - apart)
            assert found.value == value
            assert (found.low, found.high) == pytest.approx(ends, abs=1e-4)


def test_mcnemar_counts_only_faces_on_which_the_models_differ():
    labels = np.zeros(100, int)
    first, second = np.zeros(100, int), np.zeros(100, int)
    first[:4], second[4:20] = 1, 1
    difference = compare(labels, first, second, np.arange(100), Bootstrap(resamples=2000, seed=0))
    assert (difference.first_only, difference.second_only) == (16, 4)
    assert difference.accuracy.value == pytest.approx(0.12)
    assert difference.p == pytest.approx(0.011818, abs=1e-6)  # 2 * P(X <= 4), X ~ Bin(20, 1/2)
    assert difference.accuracy.low > 0
    same = compare(labels, first, first, np.arange(100), Bootstrap(resamples=100, seed=0))
    assert same.p == 1.0
    assert same.accuracy.low == same.accuracy.high == 0


def test_copies_of_a_face_count_for_mcnemar_as_one_toss(rng):
    photographs = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5, 5])
    right = rng.random((2, 10)) < 0.5
    right[0, :5], right[1, :5] = True, False
    labels = np.zeros(10, int)
    first, second = (~right).astype(int)
    difference = compare(labels, first, second, photographs, Bootstrap(resamples=100, seed=0))
    of_each = np.bincount(photographs, right[0].astype(int) - right[1])
    # All ways in which either model could have had the answers of the other.
    tossed = [abs(of_each @ signs) for signs in itertools.product((-1, 1), repeat=6)]
    assert difference.p == pytest.approx(np.mean(np.array(tossed) >= abs(of_each.sum())))
    assert difference.first_only - difference.second_only == of_each.sum()


def test_validation_is_named_where_it_chose_the_epoch(changed):
    def chosen_on(**settings):
        cnn = {"keep": "last", "early_stopping": 0} | settings
        return roles(changed(train={"cnn": cnn}))["epoch_chosen_on"]["cnn"]

    assert chosen_on() == "none"
    assert chosen_on(keep="best") == chosen_on(early_stopping=3) == "validation"
