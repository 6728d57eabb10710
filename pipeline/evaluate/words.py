"""How good the networks are, in words and in tables.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.evaluate.result import Evaluation
from pipeline.params import Classifiers
from pipeline.statistics.intervals import Difference
from pipeline.training.selection import epoch_chosen_on
from pipeline.wording.evidence import doubt, evidence, no_better
from pipeline.wording.numbers import (
    count,
    counted,
    excludes_zero,
    percent,
    percent_range,
    points,
    points_range,
    probability,
)
from pipeline.wording.table import Cell, Row

NOTHING = "\N{EN DASH}"


def how_good(results: Evaluation) -> str:
    """The accuracies of both networks, and of naming the most frequent expression."""
    cnn, dnn = results.cnn.test.accuracy_interval, results.dnn.test.accuracy_interval
    good = (
        f"Of {counted(results.faces['test'], 'test face')} that had no part in training or "
        f"selection, the convolutional network names the expression of {percent(cnn.value)} "
        f"(95% interval {percent_range(cnn)}) and the dense network of {percent(dnn.value)} "
        f"({percent_range(dnn)}); naming the most frequent expression every time would be right "
        f"for {percent(results.majority_accuracy)}."
    )
    return " ".join([good, *against_majority(results)])


def against_majority(results: Evaluation) -> list[str]:
    """Which networks are not shown to beat the majority class; none is the rule."""
    lines = []
    for name, model in (("convolutional", results.cnn), ("dense", results.dnn)):
        verdict = no_better(model.test.accuracy_interval, results.majority_accuracy)
        if verdict:
            lines.append(f"The {name} network {verdict} that.")
    return lines


def compared(difference: Difference) -> str:
    """The CNN against the DNN on the same faces."""
    gap = difference.accuracy
    if not excludes_zero(gap):
        return (
            "Neither network is shown to be better: the convolutional one less the dense one is "
            f"{points(gap.value)} percentage points {evidence(difference)}."
        )
    verdict = "better" if gap.value > 0 else "worse"
    return (
        f"On the same faces the convolutional network is {verdict} by "
        f"{points(abs(gap.value)).lstrip('+')} percentage points {evidence(difference)}."
        f"{doubt(difference)}"
    )


def compared_by_f1(difference: Difference) -> str:
    """The same by macro-F1, to which rare expressions matter as much as frequent ones."""
    gap = difference.macro_f1
    verb = "excludes" if excludes_zero(gap) else "includes"
    return (
        f"By macro-F1 the convolutional one less the dense one is {points(gap.value)} percentage "
        f"points (95% interval {points_range(gap)}, which {verb} 0)."
    )


def roles(train: Classifiers, faces: Mapping[str, int]) -> str:
    """Which faces did what: fitted, selected, gave the figures."""
    networks = (train.cnn, train.dnn)
    selects = any(epoch_chosen_on(each) == "validation" for each in networks)
    validation = counted(faces["validation"], "validation face")
    return (
        f"Training faces fit the weights; {validation} "
        + ("select the epoch" if selects else "only look on, as the last epoch is kept")
        + f"; {counted(faces['test'], 'test face')} choose nothing and give every figure on "
        "this page that is not marked otherwise."
    )


def score_rows(results: Evaluation) -> list[Row]:
    """How good both models are on the test faces, and on the validation faces for comparison."""

    def row(name: str, cell: Any) -> Row:
        return Row(name, cell(results.cnn), cell(results.dnn))

    def with_interval(interval: Any) -> Cell:
        return Cell(percent(interval.value), percent_range(interval))

    return [
        row("Network", lambda model: Cell(model.network)),
        row("Parameters", lambda model: Cell(count(model.parameters))),
        row("Accuracy", lambda model: with_interval(model.test.accuracy_interval)),
        row("Macro-F1", lambda model: with_interval(model.test.macro_f1_interval)),
        row("Top-2 accuracy", lambda model: Cell(percent(model.test.top2))),
        row("Log loss, nats", lambda model: Cell(f"{model.test.log_loss:.3f}")),
        row("Calibration error", lambda model: Cell(percent(model.test.calibration_error))),
        row(
            "Accuracy on validation faces",
            lambda model: with_interval(model.validation.accuracy_interval),
        ),
    ]


def comparison_rows(results: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Networks side by side: name, parameters, accuracy, its interval, McNemar's p to the CNN."""
    cnn, dnn = results.cnn, results.dnn
    return [
        ("CNN", count(cnn.parameters), percent(cnn.test.accuracy),
         percent_range(cnn.test.accuracy_interval), NOTHING),
        ("DNN", count(dnn.parameters), percent(dnn.test.accuracy),
         percent_range(dnn.test.accuracy_interval), probability(results.difference.p)),
        ("Majority class", NOTHING, percent(results.majority_accuracy), NOTHING, NOTHING),
    ]  # fmt: skip


def terminal_rows(results: Evaluation) -> list[tuple[str, str, str]]:
    """What a terminal shows: name, accuracy, interval."""
    rows = []
    for name, model in (("CNN", results.cnn), ("DNN", results.dnn)):
        interval = model.test.accuracy_interval
        rows.append((f"{name} ({model.network})", percent(interval.value), percent_range(interval)))
    gap = results.difference
    bounds = f"{points_range(gap.accuracy)}, {probability(gap.p)}"
    return [
        *rows,
        ("CNN less DNN, in points", points(gap.accuracy.value), bounds),
        ("always the majority class", percent(results.majority_accuracy), ""),
    ]
