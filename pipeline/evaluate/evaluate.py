"""Scores with their intervals, side by side, and the few by which experiments are compared."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluate.answers import count_answers
from pipeline.evaluate.calibration import calibrate
from pipeline.evaluate.result import Evaluated, Evaluation, PartScores
from pipeline.networks.classifier import Classifier
from pipeline.networks.networks import count_parameters
from pipeline.params import MODELS, Evaluate, Params
from pipeline.statistics.intervals import Clusters
from pipeline.statistics.scores import Labels, Probabilities, score
from pipeline.statistics.temperature import fit_temperature
from pipeline.statistics.trainings import mean_accuracy_and_f1
from pipeline.training.selection import epoch_chosen_on


def evaluate_model(
    classifier: Classifier, probabilities: Probabilities, labels: Labels,
    photographs: Clusters, on_test: NDArray[np.bool_], settings: Evaluate,
) -> Evaluated:  # fmt: skip
    """All that is found of one model.

    Its probabilities (N, 7) are of validation and test faces, `on_test` says which are the latter
    (N,): the temperature is fitted on the others. `photographs` (N,) says which faces show one.
    """
    validated = probabilities[~on_test], labels[~on_test]
    tested = probabilities[on_test], labels[on_test]
    temperature = fit_temperature(*validated)
    return Evaluated(
        network=classifier.architecture.title,
        parameters=count_parameters(classifier),
        validation=evaluate_part(*validated, photographs[~on_test], settings),
        test=evaluate_part(*tested, photographs[on_test], settings),
        calibration=calibrate(temperature, len(validated[1]), *tested, settings),
        answers=count_answers(*tested, settings.not_sure, temperature),
    )


def evaluate_part(
    probabilities: Probabilities, labels: Labels, photographs: Clusters, settings: Evaluate
) -> PartScores:
    """One model's scores on one part: probabilities (N, 7), labels and photographs (N,)."""
    named, scores = probabilities.argmax(axis=1), vars(score(probabilities, labels))
    accuracy, macro_f1 = mean_accuracy_and_f1(labels, named[None], photographs, settings)
    return PartScores(**scores, accuracy_interval=accuracy, macro_f1_interval=macro_f1)


def compare_side_by_side(evaluation: Evaluation) -> pd.DataFrame:
    """One row a network and one for the majority class: size, accuracy, interval, McNemar's p."""
    rows: list[dict[str, Any]] = []
    for model in MODELS:
        found = getattr(evaluation, model)
        rows.append(
            {
                "model": model,
                "network": found.network,
                "parameters": found.parameters,
                "accuracy": found.test.accuracy,
                "low": found.test.accuracy_interval.low,
                "high": found.test.accuracy_interval.high,
                "mcnemar_p_to_cnn": None if model == "cnn" else evaluation.difference.p,
            }
        )
    rows.append({"model": "majority class", "accuracy": evaluation.majority_accuracy})
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def headline(evaluation: Evaluation) -> dict[str, Any]:
    """The few numbers by which experiments are compared."""
    numbers: dict[str, Any] = {}
    for model in MODELS:
        found = getattr(evaluation, model)
        test, calibration, answers = found.test, found.calibration, found.answers
        numbers[model] = {
            "accuracy": test.accuracy,
            "macro_f1": test.macro_f1,
            "accuracy_low": test.accuracy_interval.low,
            "accuracy_high": test.accuracy_interval.high,
            "macro_f1_low": test.macro_f1_interval.low,
            "macro_f1_high": test.macro_f1_interval.high,
            "top2_accuracy": answers.top2.value,
            "temperature": calibration.temperature,
            "calibration_error": calibration.after.value,
            "calibration_error_low": calibration.after.low,
            "calibration_error_high": calibration.after.high,
            "calibration_error_before": calibration.before.value,
            "answered": answers.answered.value,
        }
        if answers.right:  # a metric that is none is left out
            numbers[model]["accuracy_answered"] = answers.right.value
    difference = asdict(evaluation.difference)
    return numbers | {
        "majority_accuracy": evaluation.majority_accuracy,
        "mcnemar_p": evaluation.difference.p,
        "difference": {
            f"{figure}{end}": difference[figure][key]
            for figure in ("accuracy", "macro_f1")
            for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
        },
    }


def roles(params: Params) -> dict[str, Any]:
    """Which faces chose something, and which gave the figures."""
    return {
        "epoch_chosen_on": {
            model: epoch_chosen_on(getattr(params.train, model)) for model in MODELS
        },
        "temperature_fitted_on": "validation",
        # params.yaml says from which probability on an answer is given.
        "thresholds_chosen_on": "none",
        # Not in this run: params.yaml and the recipes name networks and settings, which people
        # chose by validation faces of earlier trainings (benchmarks/TRIED.md).
        "network_chosen_on": "validation",
        "measured_on": "test",
    }
