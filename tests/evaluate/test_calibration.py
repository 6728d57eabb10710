"""A temperature makes probabilities mean what they say, and its error is told with its chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.calibration import calibrate, measure_error, reliability
from pipeline.evaluate.evaluate import evaluate_model
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.mathematics import softmax
from pipeline.params import Bootstrap
from pipeline.statistics.temperature import LEAST, fit_temperature, temper

CHANCE = Bootstrap(resamples=300, seed=0)


def faces(count, rng, temperature=1.0):
    """Probabilities that are as they should be at a temperature, and labels."""
    honest = 2 * rng.normal(size=(count, 7))
    labels = (softmax(honest).cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, 6)
    return softmax(honest * temperature).astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found_that_made_probabilities_wrong(rng, temperature):
    found = fit_temperature(*faces(20_000, rng, temperature))
    assert found == pytest.approx(temperature, rel=0.03)


@given(seed=st.integers(0, 2**32 - 1), temperature=st.floats(LEAST, 20))
def test_a_temperature_changes_no_order_and_probabilities_stay_such(seed, temperature):
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(size=(5, 7)) * rng.uniform(0, 30))
    tempered = temper(probabilities, temperature)
    assert np.isfinite(tempered).all()
    assert tempered.sum(axis=1) == pytest.approx(1, abs=1e-5)
    ordered = np.take_along_axis(tempered, probabilities.argsort(axis=1), axis=1)
    assert (np.diff(ordered, axis=1) >= 0).all()
    assert temper(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)


def test_one_face_one_class_and_probabilities_of_0_and_1_are_borne():
    sure = np.tile(np.eye(7, dtype=np.float32)[3], (4, 1))
    assert LEAST <= fit_temperature(sure[:1], np.array([3])) <= 20
    assert fit_temperature(sure, np.array([0, 1, 2, 4])) == pytest.approx(20, rel=0.01)
    assert np.isfinite(temper(sure, LEAST)).all()
    assert measure_error(sure, np.full(4, 3), CHANCE).high == 0
    assert measure_error(temper(sure[:1] + 0.02, 1), np.array([5]), CHANCE).high == 1


def test_calibration_error_of_the_sure_and_of_the_honest():
    def error(probabilities, labels):
        return pytest.approx(measure_error(probabilities, labels, CHANCE).value)

    sure = np.tile(np.eye(7, dtype=np.float32)[0], (100, 1))
    right, half = np.zeros(100, int), np.arange(100) % 2
    assert error(sure, right) == 0
    assert error(sure, half) == 0.5
    honest = np.tile(np.array([0.5, 0.5, 0, 0, 0, 0, 0], np.float32), (100, 1))
    assert error(honest, half) == 0
    # What one bin has too much makes up for nothing that another lacks.
    assert error(np.concatenate([sure, honest]), np.concatenate([half, right])) == 0.5


def test_the_error_is_that_of_its_own_faces_before_and_after(rng):
    probabilities, labels = faces(4000, rng, 2.0)
    found = calibrate(2.0, 77, probabilities, labels, CHANCE)
    assert found.fitted_on == 77
    assert found.before == measure_error(probabilities, labels, CHANCE)
    assert found.after == measure_error(temper(probabilities, 2), labels, CHANCE)
    assert found.before.low > 0.1
    assert found.after.low == 0
    assert found.after.value == pytest.approx(found.after.by_chance, rel=0.5)


def test_test_faces_do_not_fit_the_temperature(rng, params):
    probabilities, labels = faces(400, rng, 2.0)
    on_test = np.arange(400) >= 200
    classifier = Classifier(Architecture("small-dnn", 0.0, "face"))
    found = evaluate_model(
        classifier, probabilities, labels, np.arange(400), on_test, params.evaluate
    )
    assert found.calibration.temperature == fit_temperature(probabilities[:200], labels[:200])
    right = (probabilities.argmax(axis=1) == labels)[200:]
    assert found.test.accuracy == pytest.approx(right.mean())


def test_the_interval_holds_the_truth_about_nine_times_of_ten():
    rng = np.random.default_rng(3)
    for temperature in (1.0, 1.15, 1.4):
        probabilities, labels = faces(200_000, rng, temperature)
        truth = measure_error(probabilities, labels, CHANCE).value
        sets = np.arange(200_000).reshape(200, 1000)
        drawn = [measure_error(probabilities[k], labels[k], CHANCE) for k in sets]
        # Of 200 sets 90 % are held give or take 2 %; where the error is within chance, more.
        assert np.mean([one.low <= truth <= one.high for one in drawn]) >= 0.85
        # Resampled as it is, it would lie above the truth nearly always.
        assert np.mean([one.value for one in drawn]) > truth


def test_reliability_tells_of_each_bin_how_many_faces_are_right():
    probabilities = np.zeros((40, 7), np.float32)
    probabilities[:, 0], probabilities[:, 1] = 0.75, 0.25
    probabilities[20:, 0], probabilities[20:, 1] = 0.55, 0.45
    labels = np.repeat([0, 1, 0, 1], [15, 5, 11, 9])
    low, high = reliability(probabilities, labels)
    assert (low.confidence, high.confidence) == pytest.approx((0.55, 0.75))
    assert (low.accuracy.value, high.accuracy.value, low.faces) == (0.55, 0.75, 20)
    # Wilson's interval of 15 of 20, as in his formula.
    assert (high.accuracy.low, high.accuracy.high) == pytest.approx((0.5313, 0.8881), abs=1e-3)
