"""Answers that are left open below a threshold: how many there are, and what they are worth."""

import numpy as np
import pytest

from pipeline.evaluate.answers import count_answers, coverage_curve
from pipeline.evaluate.evaluate import evaluate_model, headline
from pipeline.evaluate.result import Evaluation
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.statistics.trainings import compare

SURE = np.array([0.9, 0.05, 0.05, 0, 0, 0, 0], np.float32)
UNSURE = np.array([0.4, 0.35, 0.25, 0, 0, 0, 0], np.float32)
FACES = np.stack([SURE] * 60 + [UNSURE] * 40)
LABELS = np.repeat([0, 6, 0, 1, 2], [54, 6, 16, 12, 12])


def test_faces_below_the_threshold_are_left_open_and_the_two_likeliest_told():
    found = count_answers(FACES, LABELS, 0.5)
    assert (found.answered.value, found.right.value) == (0.6, 0.9)
    assert found.top2_not_sure.value == pytest.approx(28 / 40)
    assert found.top2.value == pytest.approx(0.82)
    assert found.right.low < 0.9 < found.right.high


def test_the_second_likeliest_is_known_at_any_temperature(changed):
    """Where all validation faces are named rightly the temperature is so low that all else is 0."""
    settings = changed(evaluate={"resamples": 100}).evaluate
    classifier, faces = Classifier(Architecture("small-dnn", 0.0, "face")), np.arange(14)
    probabilities = np.full((14, 7), 0.0005, np.float32)
    probabilities[faces, faces % 7] = 0.9935
    probabilities[faces, (faces + 1) % 7] = 0.004
    labels = np.where(faces < 7, faces, faces + 1) % 7  # test faces: the second
    model = evaluate_model(classifier, probabilities, labels, faces, faces >= 7, settings)
    assert model.calibration.temperature < 0.06
    assert model.test.accuracy == 0
    assert model.answers.top2.value == 1


def test_all_or_none_may_be_answered():
    everything = count_answers(FACES, LABELS, 0.0)
    assert everything.answered.value == 1
    assert everything.right.value == 0.7
    assert everything.top2_not_sure is None
    nothing = count_answers(FACES, LABELS, 1.0)
    assert nothing.right is None
    assert nothing.top2_not_sure.value == everything.top2.value


@pytest.mark.parametrize(("not_sure", "answered"), [(0.0, True), (1.0, False)])
def test_a_metric_that_there_is_not_is_left_out(changed, not_sure, answered):
    settings = changed(evaluate={"resamples": 100, "not_sure": not_sure}).evaluate
    classifier, faces = Classifier(Architecture("small-dnn", 0.0, "face")), np.arange(100)
    model = evaluate_model(classifier, FACES, LABELS, faces, faces % 2 == 0, settings)
    gap = compare(LABELS, LABELS, LABELS, faces, settings)
    found = headline(Evaluation({}, "test", {}, 0.7, model, model, gap, {}))["cnn"]
    assert ("accuracy_answered" in found) is answered
    assert None not in found.values()


def test_the_curve_goes_from_the_surest_faces_to_all():
    coverage, accuracy = coverage_curve(FACES, LABELS)
    assert coverage[[0, -1]] == pytest.approx([0.2, 1])
    assert accuracy[-1] == pytest.approx(0.7)
    assert accuracy[coverage == 0.6] == pytest.approx(0.9)
    assert coverage_curve(FACES[:3], LABELS[:3])[0] == pytest.approx([1])
