"""Wrong labels are found where a network knows better, and the page says how many are."""

import numpy as np
import pandas as pd
import pytest

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.labels.figures import draw_suspects
from pipeline.labels.result import LabelsResult
from pipeline.labels.suspects import count_suspects, find_suspects, suspects_table
from pipeline.labels.words import worth
from pipeline.sample.sample import make_sample, true_expressions


@pytest.fixture
def answers(rng):
    """What a network says of 700 faces, most of them clear, and their labels, 35 of them wrong."""
    truth = np.arange(700) % 7
    sure = rng.beta(6, 2, 700)
    probabilities = np.full((700, 7), (1 - sure[:, None]) / 6)
    probabilities[np.arange(700), truth] = sure
    labels = truth.copy()
    labels[:35] = (labels[:35] + 1 + rng.integers(0, 6, 35)) % 7
    return probabilities.astype(np.float32), labels, truth


def test_wrong_labels_are_found_and_right_ones_left(answers):
    probabilities, labels, truth = answers
    suspects = find_suspects(probabilities, labels)
    found = count_suspects(suspects, labels, truth)
    assert (found.faces, found.suspects) == (700, len(suspects))
    assert found.precision.low < found.precision.value == 1
    assert found.recall.low < found.recall.value == len(suspects) / 35 > 0.5
    assert (suspects["suggested"] == truth[suspects["face"]]).all()
    assert (np.diff(suspects["of_label"] - suspects["of_suggested"]) >= 0).all()


def test_a_label_is_suspect_from_a_margin_on_and_the_widest_comes_first():
    probabilities = np.full((3, 7), 0.02, np.float32)
    probabilities[:, 1], probabilities[:, 4] = [0.1, 0.5, 0.15], [0.8, 0.3, 0.7]
    suspects = find_suspects(probabilities, np.ones(3, int))
    assert suspects["face"].tolist() == [0, 2]
    assert suspects["suggested"].tolist() == [4, 4]
    probabilities[2, 4] = 0.6
    assert find_suspects(probabilities, np.ones(3, int))["face"].tolist() == [0]


def test_nothing_suspect_and_no_truth_are_said_so():
    probabilities, labels = np.eye(7, dtype=np.float32), np.arange(7)
    suspects = find_suspects(probabilities, labels)
    assert list(suspects) == ["face", "label", "suggested", "of_label", "of_suggested", "margin"]
    assert vars(count_suspects(suspects, labels, None)) == {
        "faces": 7, "suspects": 0, "precision": None, "recall": None,
    }  # fmt: skip
    right = count_suspects(suspects, labels, labels)
    assert (right.precision, right.recall) == (None, None)


def test_the_page_says_what_is_known_of_the_suspects(answers):
    probabilities, labels, truth = answers
    suspects = find_suspects(probabilities, labels)

    def said(truth, suspects=suspects):
        found = count_suspects(suspects, labels, truth)
        return worth(LabelsResult(found, found))

    assert said(None).startswith("How many of them are wrong is not known here")
    assert said(None, suspects[:0]) == ""
    assert "100.0% of the list (" in said(truth)
    assert "No label of held-out faces is wrong, so every suspect there has a right" in said(labels)


def test_the_list_says_where_each_suspect_stands_and_names_expressions(answers):
    probabilities, labels, _ = answers
    faces = pd.DataFrame({"row": np.arange(700) * 2, "name": [f"{k}.png" for k in range(700)]})
    faces["usage"] = np.where(np.arange(700) % 3, "Training", None)
    suspects = find_suspects(probabilities, labels)
    backwards = suspects[::-1].assign(part="test")  # in the table the most suspect comes first
    table = suspects_table(backwards, faces)
    assert table["row"].tolist() == (suspects["face"] * 2).tolist()
    assert table["usage"].tolist() == faces["usage"][suspects["face"]].tolist()
    assert (table["name"] == [f"{face}.png" for face in suspects["face"]]).all()
    assert table["label"].tolist() == [EXPRESSIONS[k] for k in suspects["label"]]
    assert table["suggested"].tolist() == [EXPRESSIONS[k] for k in suspects["suggested"]]


def test_the_sheet_shows_each_label_and_what_is_suggested(rng):
    table = pd.DataFrame({"face": [3], "label": [0], "suggested": [5], "of_suggested": [0.93]})
    figure = draw_suspects(rng.integers(0, 256, (4, 48, 48), dtype=np.uint8), table, "held_out")
    assert figure.axes[0].get_title() == f"{EXPRESSIONS[0]}?\n{EXPRESSIONS[5]} 93%"


def test_the_truth_is_what_the_sample_draws_and_of_no_other_faces_known(params):
    section = params.sample.model_copy(update={"faces": 90, "unlabelled": 9, "mislabelled": 0.3})
    changed = params.model_copy(update={"sample": section})
    assert true_expressions(changed).tolist() == make_sample(section).expressions.tolist()
    data = params.data.model_copy(update={"source": "data/raw"})
    assert true_expressions(changed.model_copy(update={"data": data})) is None
