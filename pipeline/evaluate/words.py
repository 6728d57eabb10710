"""How good the networks are, in words and in tables.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from collections.abc import Callable, Sequence

from pipeline.evaluate.result import Answers, Calibration, Evaluated, Evaluation, Third
from pipeline.statistics.intervals import Interval
from pipeline.statistics.trainings import Difference
from pipeline.wording.evidence import doubt, evidence, excludes_zero, no_better
from pipeline.wording.numbers import (
    NOTHING,
    count,
    counted,
    decimal,
    percent,
    percent_interval,
    percent_range,
    points,
    points_range,
    probability,
)
from pipeline.wording.table import Cell, Row


def how_good(results: Evaluation) -> str:
    """The accuracies of both networks, and of naming the most frequent expression."""
    cnn, dnn = results.cnn.test.accuracy_interval, results.dnn.test.accuracy_interval
    good = (
        f"On {counted(results.faces['test'], 'test face')} that had no part in training or "
        f"selection, the convolutional network (CNN) has an accuracy of {percent_interval(cnn)} "
        f"and the dense network (DNN) of {percent(dnn.value)} ({percent_range(dnn)}). Always "
        f"naming the most frequent expression reaches {percent(results.majority_accuracy)}."
    )
    for name, accuracy in (("CNN", cnn), ("DNN", dnn)):
        if verdict := no_better(accuracy, results.majority_accuracy):
            good += f" The {name} {verdict} that."
    return good


def compared(difference: Difference) -> str:
    """The CNN against the DNN on the same faces."""
    gap = difference.accuracy
    if not excludes_zero(gap):
        return (
            "Neither network is shown to be better: the accuracy of the CNN less that of the DNN "
            f"is {points(gap.value)} percentage points {evidence(difference)}."
        )
    verdict = "better" if gap.value > 0 else "worse"
    return (
        f"On the same faces the CNN is {verdict} than the DNN by "
        f"{decimal(100 * abs(gap.value), 1)} percentage points {evidence(difference)}."
        f"{doubt(difference)}"
    )


def comparisons(results: Evaluation) -> dict[str, float]:
    """What this stage compares, with the p value of each."""
    return {"the CNN against the DNN": results.difference.p}


def calibrated(name: str, found: Calibration) -> str:
    """What the temperature does to a network's confidence, as far as the test faces show it."""
    after = found.after
    shown = "is more" if after.low > 0 else "is not shown to be more"
    return (
        f"A temperature of {found.temperature:.2f} takes the calibration error of the {name} from "
        f"{percent(found.before.value)} to {percent(after.value)} ({percent_range(after)}), which "
        f"{shown} than the "
        f"{percent(after.by_chance)} that perfect calibration would show by chance."
    )


def answered(name: str, found: Answers) -> str:
    """How many faces a network names, how right it is on these, and what the others are left."""
    text = f"The {name} names {percent(found.answered.value)} of the test faces"
    if right := found.right:
        text += f" and is right on {percent(right.value)} of these ({percent_range(right)})"
    if others := found.top2_not_sure:
        text += (
            f"; of the others {percent(others.value)} have their label among the two likeliest "
            f"({percent_range(others)})"
        )
    return f"{text}."


def quality_rows(results: Evaluation) -> list[Row]:
    """Accuracy in each third of each measure of the photograph."""
    rows = []
    for measure, found in results.quality.items():
        low, high = found.edges
        places = (f"below {low:.0f}", f"{low:.0f} to {high:.0f}", f"{high:.0f} or more")
        for number, place in enumerate(places):
            cnn, dnn = (found.thirds[model][number] for model in ("cnn", "dnn"))
            name = f"{measure.capitalize()} {place}, {counted(cnn.faces, 'face')}"
            rows.append(Row(name, _accuracy(cnn), _accuracy(dnn)))
    return rows


def _accuracy(third: Third) -> Cell:
    return _share(third.accuracy) if third.accuracy else Cell(NOTHING)


def _share(interval: Interval) -> Cell:
    return Cell(percent(interval.value), percent_range(interval))


def quality_matters(name: str, model: str, results: Evaluation) -> str:
    """For which measures the highest third is recognised otherwise than the lowest."""
    shown = [
        _matters(measure, gap, found.thirds[model])
        for measure, found in results.quality.items()
        if (gap := found.difference[model]) and excludes_zero(gap)
    ]
    if not shown:
        return f"For the {name} no measure is shown to matter."
    return f"For the {name} accuracy differs with {'; with '.join(shown)}."


def _matters(measure: str, gap: Interval, thirds: Sequence[Third]) -> str:
    expected = (thirds[2].expected or 0) - (thirds[0].expected or 0)
    return (
        f"{measure}: in the highest third it is {points(gap.value)} percentage points against the "
        f"lowest (95% interval {points_range(gap)}), where their expressions alone would make "
        f"{points(expected)}"
    )


def score_rows(results: Evaluation) -> list[Row]:
    """How good both models are on the test faces, and on the validation faces for comparison."""
    cells: dict[str, Callable[[Evaluated], Cell]] = {
        "Network": lambda model: Cell(model.network),
        "Parameters": lambda model: Cell(count(model.parameters)),
        "Accuracy": lambda model: _share(model.test.accuracy_interval),
        "Macro-F1": lambda model: _share(model.test.macro_f1_interval),
        "Top-2 accuracy": lambda model: _share(model.answers.top2),
        "Log loss as trained, nats": lambda model: Cell(f"{model.test.log_loss:.3f}"),
        "Calibration error as trained": lambda model: _share(model.calibration.before),
        "Temperature": lambda model: Cell(f"{model.calibration.temperature:.2f}"),
        "Calibration error with it": lambda model: _share(model.calibration.after),
        "Accuracy on validation faces": lambda model: _share(model.validation.accuracy_interval),
    }
    return [Row(name, cell(results.cnn), cell(results.dnn)) for name, cell in cells.items()]


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
