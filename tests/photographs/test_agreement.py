"""What labels allow a network to reach, against simulated opinions whose best answer is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.photographs.agreement import ceiling_of, measure_agreement, pair_agreement


def label(opinions, rng):
    """Two labels for each photograph: opinions (N, 7) are the probabilities of each."""
    drawn = [rng.choice(7, 2, p=opinion) for opinion in opinions]
    return np.repeat(np.arange(len(opinions)), 2), np.concatenate(drawn)


def even(share, count=4000):
    """Every photograph has one expression, and the same share of labels that are wrong."""
    return np.tile([1 - share, *[share / 6] * 6], (count, 1))


def coins(share, count=4000):
    """A share of the photographs is called one of two expressions by chance, others are sure."""
    doubtful = np.arange(count) < share * count
    return np.where(doubtful[:, None], np.eye(7)[0] / 2 + np.eye(7)[1] / 2, np.eye(7)[0])


def measure(opinions, rng):
    groups, labels = label(opinions, rng)
    md5 = np.arange(len(groups)).astype(str).astype(object)
    return measure_agreement(groups, md5, labels)["near_copies"]


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_equal_doubt_reaches_the_ceiling(rng, share):
    found = measure(even(share), rng)
    assert found.ceiling.low < 1 - share < found.ceiling.high
    assert found.ceiling.high - found.ceiling.low < 0.04


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_doubt_in_some_photographs_alone_reaches_the_agreement_and_no_more(rng, share):
    found = measure(coins(share), rng)
    assert found.agree.low < 1 - share / 2 < found.agree.high
    assert found.ceiling.low > 1 - share / 2


@given(some.lists(some.floats(0.001, 1), min_size=7, max_size=7))
def test_the_best_answer_lies_between_agreement_and_ceiling(weights):
    opinion = np.array(weights) / sum(weights)
    agree = (opinion**2).sum()
    assert agree <= opinion.max() + 1e-12
    assert opinion.max() <= ceiling_of(agree) + 1e-9


def test_three_labels_are_three_pairs_and_one_is_none():
    groups, labels = pd.Series([5, 5, 5, 6, 6, 7]), pd.Series([3, 3, 1, 2, 2, 0])
    assert pair_agreement(groups, labels).tolist() == pytest.approx([1 / 3, 1])


def test_exact_copies_are_apart_and_count_once_among_near_copies():
    """40 photographs of three faces: two of them the same pixels, with other labels."""
    groups = np.repeat(np.arange(40), 3)
    md5 = np.array([f"{number}{version}" for number in range(40) for version in "aab"], object)
    labels = np.tile([0, 1, 0], 40)
    found = measure_agreement(groups, md5, labels)
    assert found["near_copies"].agree.value == 1.0
    assert found["exact_copies"].agree.value == 0.0
    assert found["exact_copies"].photographs == 40


def test_agreement_that_is_nearly_whole_has_an_interval_that_holds_the_truth(rng):
    """Of 30 photographs that agree with 97 of 100, every third sample has no disagreement."""
    held = []
    for _ in range(200):
        share = np.repeat(np.arange(30), 2), np.stack([np.zeros(30), rng.random(30) > 0.97], 1)
        md5 = np.arange(60).astype(str).astype(object)
        found = measure_agreement(share[0], md5, share[1].ravel().astype(np.int8))["near_copies"]
        held.append(found.agree.low < 0.97 < found.agree.high)
        assert found.ceiling.low < found.ceiling.high
    assert np.mean(held) > 0.9  # Student's: .6


def test_too_few_photographs_say_nothing():
    groups, labels = np.repeat(np.arange(29), 2), np.zeros(58, int)
    md5 = np.arange(58).astype(str).astype(object)
    assert measure_agreement(groups, md5, labels) == {}
