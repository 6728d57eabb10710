import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.analysis.confusion import (
    correlate,
    count_confusion,
    most_confused,
    negative_block,
    normalise_rows,
    pull,
)
from pipeline.data.expressions import EXPRESSIONS
from pipeline.figures.frequency import draw_recall_by_frequency
from pipeline.figures.matrices import draw_confusion

ANGRY, DISGUST, FEAR, HAPPY, SAD, SURPRISE, NEUTRAL = range(7)

matrices = arrays(np.int64, (7, 7), elements=st.integers(0, 40)).filter(lambda m: m.sum() > 0)


def matrix(cells):
    counts = np.zeros((7, 7), int)
    for cell, faces in cells.items():
        counts[cell] = faces
    return counts


@given(matrices)
def test_rows_sum_to_one_or_hold_nothing(counts):
    sums = normalise_rows(counts).sum(axis=1)
    assert np.allclose(sums, counts.sum(axis=1) > 0)


def test_rows_are_what_a_face_is_and_columns_what_it_is_taken_for():
    counts = count_confusion(np.array([SAD, SAD, HAPPY]), np.array([NEUTRAL, SAD, HAPPY]))
    assert counts[SAD, NEUTRAL] == 1
    assert counts[NEUTRAL, SAD] == 0
    (pair,) = most_confused(counts)
    assert (pair.true, pair.predicted, pair.share) == ("sad", "neutral", 0.5)


def test_negative_faces_are_right_among_themselves_or_beyond():
    counts = matrix({(ANGRY, ANGRY): 3, (FEAR, SAD): 2, (SAD, NEUTRAL): 4, (SAD, SAD): 1,
                     (HAPPY, SAD): 50, (NEUTRAL, NEUTRAL): 50})  # fmt: skip
    block = negative_block(counts)
    assert (block.right, block.within, block.beyond) == (0.4, 0.2, 0.4)
    assert block.counts == [[3, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 2, 0], [0, 0, 0, 1, 4]]


@given(matrices)
def test_the_parts_of_the_negative_block_are_all_negative_faces(counts):
    block = negative_block(counts)
    faces = counts[[ANGRY, DISGUST, FEAR, SAD]].sum()
    assert np.sum(block.counts) == faces
    assert block.right + block.within + block.beyond == pytest.approx(1 if faces else 0)


def test_an_answer_draws_the_faces_of_others():
    counts = matrix({(ANGRY, ANGRY): 6, (ANGRY, SAD): 3, (HAPPY, ANGRY): 1, (SAD, SAD): 10})
    found = pull(counts, "sad", resamples=500, seed=0)
    assert found.of_others.value == pytest.approx(3 / 10)
    assert found.of_errors.value == pytest.approx(3 / 4)
    # Three errors on angry faces fell among 1 happy and 10 sad faces, one on a happy face among 9
    # angry and 10 sad ones.
    assert found.expected == pytest.approx((3 * 10 / 11 + 1 * 10 / 19) / 4)
    assert found.of_errors.low <= 0.75 <= found.of_errors.high


def test_errors_spread_by_frequency_are_not_called_a_pull():
    rng = np.random.default_rng(1)
    faces = np.array([200, 50, 150, 300, 100, 120, 180])
    counts = np.zeros((7, 7), int)
    for row in range(7):
        odds = faces * (np.arange(7) != row)
        counts[row] = rng.multinomial(faces[row], odds / odds.sum())
    for name in EXPRESSIONS:
        found = pull(counts, name, resamples=1000, seed=0)
        assert found.of_errors.value == pytest.approx(found.expected, abs=0.03)


@given(matrices, st.sampled_from(EXPRESSIONS))
def test_a_pull_is_a_share_whatever_the_matrix(counts, name):
    found = pull(counts, name, resamples=100, seed=0)
    for interval in (found.of_others, found.of_errors):
        assert 0 <= interval.low <= interval.high <= 1
    assert 0 <= found.expected <= 1


def test_correlation_of_values_and_of_ranks():
    rising = correlate(np.array([1.0, 2, 3, 100]), np.array([1.0, 2, 3, 4]))
    assert rising.spearman == pytest.approx(1)
    assert rising.pearson < 0.9
    level = correlate(np.array([1.0, 2, 3]), np.array([0.5, 0.5, 0.5]))
    assert (level.pearson, level.spearman) == (None, None)


def words_of(figure):
    return {text.get_text() for text in figure.findobj(match=lambda it: hasattr(it, "get_text"))}


def test_figures_name_what_they_show():
    counts = matrix({(SAD, NEUTRAL): 3, (SAD, SAD): 1})
    figure = draw_confusion(counts, "Title")
    assert {"75%", "3", "25%", "true", "predicted", *EXPRESSIONS} <= words_of(figure)
    (axes,) = figure.axes
    texts = {text.get_text(): text.get_position() for text in axes.texts}
    assert [round(value) for value in texts["75%"]] == [NEUTRAL, SAD]  # x: predicted, y: true
    scatter = draw_recall_by_frequency(
        np.linspace(0, 1, 7), {"cnn": np.full(7, 0.5), "dnn": np.full(7, 0.3)}, "Title"
    )
    assert {"CNN", "DNN", *EXPRESSIONS} <= words_of(scatter)
