"""Which expressions are taken for which: held-out faces only, rows true, shares of their row."""

import json
from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr, spearmanr

from pipeline import layout
from pipeline.confusion.confusion import (
    correlate,
    most_confused,
    negative_block,
    normalise_rows,
    pull,
    recalls,
)
from pipeline.confusion.figures import draw_confusion, draw_recall_by_frequency
from pipeline.confusion.stage import work
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.photographs import Photographs, write_photographs
from pipeline.params import Bootstrap
from pipeline.shell import Stage
from pipeline.statistics.intervals import draw_matrices

from ..written import words_of, write_faces

ANGRY, DISGUST, FEAR, HAPPY, SAD, SURPRISE, NEUTRAL = range(7)

matrices = arrays(np.int64, (7, 7), elements=st.integers(0, 40)).filter(lambda m: m.sum() > 0)


def matrix(cells):
    counts = np.zeros((7, 7), int)
    for cell, faces in cells.items():
        counts[cell] = faces
    return counts


def drawn_anew(labels, answers, resamples=500):
    """Matrices of faces of as many photographs."""
    chance, photographs = Bootstrap(resamples=resamples, seed=0), np.arange(len(labels))
    return draw_matrices(labels, answers[None], photographs, chance)[:, 0]


def resampled(counts, resamples=500):
    cells = np.repeat(np.arange(49), counts.ravel())
    return drawn_anew(cells // 7, cells % 7, resamples)


def test_rows_are_what_a_face_is_and_columns_what_it_is_taken_for(rng):
    counts = drawn_anew(np.array([SAD, SAD, HAPPY]), np.array([NEUTRAL, SAD, HAPPY]))[0]
    assert counts[SAD, NEUTRAL] == 1
    assert counts[NEUTRAL, SAD] == 0
    (pair,) = most_confused(counts)
    assert (pair.true, pair.predicted, pair.share.value) == ("sad", "neutral", 0.5)
    pairs = most_confused(rng.integers(1, 40, (7, 7)), pairs=4)
    assert len(pairs) == 4
    assert all(pair.true != pair.predicted for pair in pairs)
    lows = [pair.share.low for pair in pairs]
    assert lows == sorted(lows, reverse=True)
    assert most_confused(np.diag(np.arange(7))) == []
    found = recalls(matrix({(FEAR, FEAR): 1, (FEAR, SAD): 3, (SAD, FEAR): 2}))
    assert (found[FEAR], found[SAD]) == (0.25, 0)
    assert np.isnan(found).sum() == 5  # without faces there is no recall


def test_an_error_on_the_only_face_of_a_row_is_not_the_most_frequent_confusion():
    counts = matrix({(DISGUST, ANGRY): 1, (FEAR, SAD): 30, (FEAR, FEAR): 30, (SAD, NEUTRAL): 2,
                     (SAD, SAD): 198})  # fmt: skip
    first, second, third = most_confused(counts)
    assert (first.true, second.true, third.true) == ("fear", "disgust", "sad")
    assert (second.share.value, third.share.value) == (1, 0.01)
    # 1 of 1, as the binomial distribution says: (1 - 0.95) / 2 to the power of 1.
    assert (second.share.low, second.share.high) == pytest.approx((0.025, 1))


def test_negative_faces_are_right_among_themselves_or_beyond():
    counts = matrix({(ANGRY, ANGRY): 3, (FEAR, SAD): 2, (SAD, NEUTRAL): 4, (SAD, SAD): 1,
                     (HAPPY, SAD): 50, (NEUTRAL, NEUTRAL): 50})  # fmt: skip
    block = negative_block(resampled(counts))
    assert (block.right.value, block.within.value, block.beyond.value) == (0.4, 0.2, 0.4)
    assert all(0 <= each.low < each.value < each.high <= 1 for each in (block.right, block.within))
    assert block.counts == [[3, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 2, 0], [0, 0, 0, 1, 4]]


@given(matrices, st.sampled_from(EXPRESSIONS))
def test_shares_are_shares_whatever_the_matrix(counts, name):
    sums = normalise_rows(counts).sum(axis=1)
    assert np.allclose(sums, counts.sum(axis=1) > 0)  # rows sum to one or hold nothing
    drawn, faces = resampled(counts, 100), counts[[ANGRY, DISGUST, FEAR, SAD]].sum()
    block = negative_block(drawn)
    shares = [block.right, block.within, block.beyond]
    assert np.sum(block.counts) == faces
    assert sum(each.value for each in shares) == pytest.approx(1 if faces else 0)
    found = pull(drawn, name)
    for interval in (found.of_others, found.of_errors, *shares):
        assert 0 <= interval.low <= interval.high <= 1
    assert 0 <= found.expected <= 1


def test_an_answer_draws_the_faces_of_others():
    counts = matrix({(ANGRY, ANGRY): 6, (ANGRY, SAD): 3, (HAPPY, ANGRY): 1, (SAD, SAD): 10})
    found = pull(resampled(counts), "sad")
    assert found.of_others.value == pytest.approx(3 / 10)
    assert found.of_errors.value == pytest.approx(3 / 4)
    # Three errors on angry faces fell among 1 happy and 10 sad faces, one on a happy face among 9
    # angry and 10 sad ones.
    assert found.expected == pytest.approx((3 * 10 / 11 + 1 * 10 / 19) / 4)
    assert found.of_errors.low <= 0.75 <= found.of_errors.high
    assert found.excess.value == pytest.approx(found.of_errors.value - found.expected)


def test_the_intervals_of_a_pull_agree_with_drawing_faces_one_by_one(rng):
    labels = rng.choice(7, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17], size=600)
    answers = np.where(rng.random(600) < 0.6, labels, rng.choice([SAD, NEUTRAL, HAPPY], size=600))
    found = pull(drawn_anew(labels, answers, 4000), "sad")

    def shares(drawn):
        true, said = labels[drawn], answers[drawn]
        wrong, other = true != said, true != SAD
        of_errors = (said[wrong] == SAD).mean()
        # Face by face: the share of sad among the faces that are not of the true expression.
        chance = [(true == SAD).sum() / (true != each).sum() for each in range(7)]
        expected = np.where(other[wrong], np.array(chance)[true[wrong]], 0).mean()
        return (said[other] == SAD).mean(), of_errors, of_errors - expected

    whole = shares(np.arange(600))
    drawn = np.array([shares(rng.integers(600, size=600)) for _ in range(800)])
    for k, interval in enumerate((found.of_others, found.of_errors, found.excess)):
        assert interval.value == pytest.approx(whole[k])
        ends = np.percentile(drawn[:, k], [2.5, 97.5])
        assert (interval.low, interval.high) == pytest.approx(tuple(ends), abs=0.015)


def test_errors_spread_by_frequency_are_not_called_a_pull():
    rng = np.random.default_rng(1)
    faces = np.array([200, 50, 150, 300, 100, 120, 180])
    counts = np.zeros((7, 7), int)
    for row in range(7):
        odds = faces * (np.arange(7) != row)
        counts[row] = rng.multinomial(faces[row], odds / odds.sum())
    for name in EXPRESSIONS:
        found = pull(resampled(counts, 1000), name)
        assert found.excess.low < 0 < found.excess.high
        assert found.excess.value == pytest.approx(0, abs=0.03)


def test_few_errors_of_which_none_or_all_are_an_answer_show_little():
    """Drawn anew, none of four errors are none again; one answer in five would miss them often."""
    right = {(k, k): faces for k, faces in enumerate((20, 5, 20, 40, 30, 20, 25))}
    few, many = (matrix(right | {(ANGRY, HAPPY): n, (FEAR, NEUTRAL): n}) for n in (2, 15))
    found = pull(resampled(few), "sad")
    assert (found.of_errors.low, found.of_others.low) == (0, 0)
    assert found.of_errors.high > 0.4
    assert 0.02 < found.of_others.high < 0.04
    assert found.excess.low < 0 < found.excess.high
    assert pull(resampled(many), "sad").excess.high < 0
    all_sad = pull(resampled(matrix(right | {(ANGRY, SAD): 4})), "sad")
    assert 0.2 < all_sad.expected < all_sad.of_errors.low < 0.6
    assert all_sad.of_errors.high == 1
    assert all_sad.excess.low == pytest.approx(all_sad.of_errors.low - all_sad.expected)


def test_correlation_of_values_and_of_ranks():
    rising = correlate(np.array([1.0, 2, 3, 100]), np.array([1.0, 2, 3, 4]))
    assert rising.spearman == pytest.approx(1)
    assert rising.pearson < 0.9
    level = correlate(np.array([1.0, 2, 3]), np.array([0.5, 0.5, 0.5]))
    assert (level.pearson, level.spearman) == (None, None)
    assert correlate(np.array([1.0, 2]), np.array([2.0, 1])).pearson is None


@pytest.mark.parametrize("expressions", range(3, 8))
def test_few_expressions_in_one_order_are_no_wonder(expressions):
    rising = np.arange(expressions, dtype=float)
    found = correlate(rising, rising**3)
    assert found.spearman_p == pytest.approx(2 / factorial(expressions))  # rising or falling
    assert found.pearson_p == found.spearman_p
    assert correlate(rising, -rising).spearman_p == found.spearman_p


@pytest.mark.parametrize(("way", "theirs"), [("pearson", pearsonr), ("spearman", spearmanr)])
def test_the_chance_of_a_correlation_is_that_of_all_orders(way, theirs):
    tied, other = np.array([0.0, 1, 2, 2, 2]), np.array([3.0, 1, 5, 9, 2])
    ours, found = correlate(tied, other), theirs(tied, other).statistic
    assert getattr(ours, way) == pytest.approx(found)
    of_orders = np.array([theirs(tied, order).statistic for order in permutations(other)])
    at_least = np.abs(of_orders) >= abs(found) - 1e-9
    assert getattr(ours, f"{way}_p") == pytest.approx(at_least.mean())


def test_the_matrix_shows_shares_and_faces_with_rows_true():
    figure = draw_confusion(matrix({(SAD, NEUTRAL): 3, (SAD, SAD): 1}), "Title")
    assert {"75%", "3", "25%", "true", "predicted", *EXPRESSIONS} <= words_of(figure)
    (axes,) = figure.axes
    places = {text.get_text(): text.get_position() for text in axes.texts}
    x, y = (round(value) for value in places["75%"])
    assert (axes.get_xlabel(), axes.get_xticklabels()[x].get_text()) == ("predicted", "neutral")
    assert (axes.get_ylabel(), axes.get_yticklabels()[y].get_text()) == ("true", "sad")
    assert axes.yaxis_inverted()


def test_recall_is_drawn_over_frequency_with_the_name_of_each_expression():
    shares, cnn = np.linspace(0.1, 0.4, 7), np.linspace(0.2, 0.8, 7)
    cnn[DISGUST] = np.nan
    figure = draw_recall_by_frequency(shares, {"cnn": cnn, "dnn": cnn / 2})
    assert {"CNN", "DNN", "recall"} <= words_of(figure)
    (axes,) = figure.axes
    for line, recall in zip(axes.lines, (cnn, cnn / 2), strict=True):
        assert np.array_equal(line.get_xydata(), np.column_stack([shares, recall]), equal_nan=True)
    names = {text.get_text(): text.xy[0] for text in axes.texts}
    assert names == {n: x for n, x in zip(EXPRESSIONS, shares, strict=True) if n != "disgust"}


def run_stage(params, labels, parts, answers):
    """What the stage writes, where both models answer alike, of validation faces as well."""
    write_faces(labels)
    write_photographs(layout.PHOTOGRAPHS, Photographs(np.arange(len(labels)), np.arange(0)))
    pd.DataFrame({"part": parts}).to_parquet(layout.SPLIT)
    sure = np.eye(7)[answers]
    table = pd.DataFrame(
        {f"{model}_{name}": sure[:, k] for model in ("cnn", "dnn")
         for k, name in enumerate(EXPRESSIONS)}
    ).assign(face=range(len(labels)), part=parts, label=labels)  # fmt: skip
    layout.PREDICTIONS.parent.mkdir(parents=True, exist_ok=True)
    table[table["part"] != "train"].to_parquet(layout.PREDICTIONS)
    work(Stage("confusion", params))
    # json takes NaN unless it is told not to; nobody else does.
    text = (layout.folder("confusion") / "confusion.json").read_text()
    metrics = json.loads(layout.metrics("confusion").read_text())["confusion"]
    return json.loads(text, parse_constant=pytest.fail), metrics


def test_the_stage_counts_test_faces_and_learns_frequencies_from_training_faces(
    tmp_path, monkeypatch, params
):
    monkeypatch.chdir(tmp_path)
    found, metrics = run_stage(
        params,
        [SAD, SAD, SAD, HAPPY, FEAR, HAPPY, SAD, SAD, FEAR],
        ["train"] * 4 + ["validation"] * 1 + ["test"] * 4,
        [FEAR, FEAR, FEAR, FEAR, HAPPY, HAPPY, SAD, NEUTRAL, SAD],
    )
    assert set(found) == {"cnn", "dnn"}
    cells = {(HAPPY, HAPPY): 1, (SAD, SAD): 1, (SAD, NEUTRAL): 1, (FEAR, SAD): 1}
    assert np.array_equal(found["cnn"]["counts"], matrix(cells))
    assert found["cnn"]["training_shares"] == [0, 0, 0, 0.25, 0.75, 0, 0]
    by_class = found["cnn"]["recall_by_frequency"]  # of fear 0, of happy 1, of sad 0.5
    assert by_class["spearman"] == pytest.approx(0.5)
    assert metrics == {
        "cnn_negative_right": pytest.approx(1 / 3, abs=1e-6),
        "cnn_errors_to_sad": 0.5,
        "cnn_errors_to_neutral": 0.5,
        "cnn_recall_frequency_spearman": pytest.approx(0.5),
    }
    written = {path.stem for path in layout.figures("confusion").iterdir()}
    assert written == {"cnn", "dnn", "cnn-negative", "dnn-negative", "frequency"}
    table = pd.read_csv(layout.folder("confusion") / "cnn.csv")
    assert list(table["actual"]) == ["happy", "sad", "sad", "fear"]
    assert list(table["predicted"]) == ["happy", "sad", "neutral", "sad"]

    everything = [*range(7), *range(7)]
    found, metrics = run_stage(params, everything, ["train"] * 7 + ["test"] * 7, everything)
    assert set(found["cnn"]["recall_by_frequency"].values()) == {None}
    assert metrics["cnn_negative_right"] == 1
    assert "cnn_recall_frequency_spearman" not in metrics

    happy = [HAPPY] * 3
    _, metrics = run_stage(params, happy, ["train", "validation", "test"], happy)
    assert "cnn_negative_right" not in metrics  # of no face
