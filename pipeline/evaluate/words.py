"""How good the networks are, in words and in tables.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from collections.abc import Callable, Mapping, Sequence

from pipeline.evaluate.result import Answers, Calibration, Evaluated, Evaluation, Third
from pipeline.params import Classifiers
from pipeline.statistics.intervals import Difference, Interval
from pipeline.training.selection import epoch_chosen_on
from pipeline.wording.evidence import doubt, evidence, no_better
from pipeline.wording.numbers import (
    NOTHING,
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


def how_good(results: Evaluation) -> str:
    """The accuracies of both networks, and of naming the most frequent expression."""
    cnn, dnn = results.cnn.test.accuracy_interval, results.dnn.test.accuracy_interval
    good = (
        f"On {counted(results.faces['test'], 'test face')} that had no part in training or "
        f"selection, the convolutional network (CNN) has an accuracy of {percent(cnn.value)} (95% "
        f"interval {percent_range(cnn)}) and the dense network (DNN) of {percent(dnn.value)} "
        f"({percent_range(dnn)}). Always naming the most frequent expression reaches "
        f"{percent(results.majority_accuracy)}."
    )
    return " ".join([good, *against_majority(results)])


def against_majority(results: Evaluation) -> list[str]:
    """Which networks are not shown to beat the majority class; none is the rule."""
    verdicts = {
        name: no_better(model.test.accuracy_interval, results.majority_accuracy)
        for name, model in (("CNN", results.cnn), ("DNN", results.dnn))
    }
    return [f"The {name} {verdict} that." for name, verdict in verdicts.items() if verdict]


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
        f"{points(abs(gap.value)).lstrip('+')} percentage points {evidence(difference)}."
        f"{doubt(difference)}"
    )


def comparisons(results: Evaluation) -> dict[str, float]:
    """What this stage compares, with the p value of each."""
    return {"the CNN against the DNN": results.difference.p}


def compared_by_f1(difference: Difference) -> str:
    """The same by macro-F1, to which rare expressions matter as much as frequent ones."""
    gap = difference.macro_f1
    verb = "excludes" if excludes_zero(gap) else "includes"
    return (
        f"The macro-F1 of the CNN less that of the DNN is {points(gap.value)} percentage points "
        f"(95% interval {points_range(gap)}, which {verb} 0)."
    )


def calibrated(name: str, found: Calibration) -> str:
    """What the temperature does to a network's confidence, as far as the test faces show it."""
    after = found.after
    sentence = (
        f"A temperature of {found.temperature:.2f}, fitted on "
        f"{counted(found.fitted_on, 'validation face')} that did not train, takes the calibration "
        f"error of the {name} from {percent(found.before.value)} to {percent(after.value)} (95% "
        f"interval {percent_range(after)})."
    )
    if after.low > 0:
        return f"{sentence} It is more than chance makes: {percent(after.by_chance)}."
    return (
        f"{sentence} On so many faces perfect calibration would show {percent(after.by_chance)}, "
        "and the error is not shown to be more than chance."
    )


def answered(name: str, found: Answers) -> str:
    """How many faces a network names, how right it is on these, and what the others are left."""
    share = f"The {name} names {percent(found.answered.value)} of the test faces"
    right = found.right and (
        f"and is right on {percent(found.right.value)} of these (95% interval "
        f"{percent_range(found.right)})"
    )
    others = found.top2_not_sure and (
        f"of the others {percent(found.top2_not_sure.value)} have their label among the two "
        f"likeliest ({percent_range(found.top2_not_sure)})"
    )
    return " ".join(part for part in (share, right) if part) + (f"; {others}." if others else ".")


def quality_rows(results: Evaluation) -> list[Row]:
    """Recall in each third of each measure of the photograph."""
    rows = []
    for measure, found in results.quality.items():
        low, high = found.edges
        places = (f"below {low:.0f}", f"{low:.0f} to {high:.0f}", f"{high:.0f} or more")
        for number, place in enumerate(places):
            cnn, dnn = (found.thirds[model][number] for model in ("cnn", "dnn"))
            name = f"{measure.capitalize()} {place}, {counted(cnn.faces, 'face')}"
            rows.append(Row(name, _recall(cnn), _recall(dnn)))
    return rows


def _recall(third: Third) -> Cell:
    found = third.recall
    return Cell(percent(found.value), percent_range(found)) if found else Cell(NOTHING)


def quality_matters(name: str, model: str, results: Evaluation) -> str:
    """For which measures the highest third is recognised otherwise than the lowest."""
    shown = [
        _matters(measure, gap, found.thirds[model])
        for measure, found in results.quality.items()
        if (gap := found.difference[model]) and excludes_zero(gap)
    ]
    if not shown:
        return f"For the {name} no measure is shown to matter."
    return f"For the {name} recall differs with {'; with '.join(shown)}."


def _matters(measure: str, gap: Interval, thirds: Sequence[Third]) -> str:
    expected = (thirds[2].expected or 0) - (thirds[0].expected or 0)
    return (
        f"{measure}: in the highest third it is {points(gap.value)} percentage points against the "
        f"lowest (95% interval {points_range(gap)}), where their expressions alone would make "
        f"{points(expected)}"
    )


def roles(train: Classifiers, faces: Mapping[str, int]) -> str:
    """Which faces did what: fitted, selected, gave the figures."""
    selects = any(epoch_chosen_on(each) == "validation" for each in (train.cnn, train.dnn))
    return (
        f"Training faces fit the weights. {counted(faces['validation'], 'validation face')} "
        + ("select the epoch " if selects else "select no epoch, as the last one is kept, ")
        + "and fit the temperatures. Networks and settings are those of params.yaml; the study's "
        "own were chosen before, by validation faces of earlier trainings (benchmarks/TRIED.md). "
        f"{counted(faces['test'], 'test face')} select nothing and give every figure on this "
        "page that is not marked otherwise."
    )


def score_rows(results: Evaluation) -> list[Row]:
    """How good both models are on the test faces, and on the validation faces for comparison."""

    def with_interval(interval: Interval) -> Cell:
        return Cell(percent(interval.value), percent_range(interval))

    cells: dict[str, Callable[[Evaluated], Cell]] = {
        "Network": lambda model: Cell(model.network),
        "Parameters": lambda model: Cell(count(model.parameters)),
        "Accuracy": lambda model: with_interval(model.test.accuracy_interval),
        "Macro-F1": lambda model: with_interval(model.test.macro_f1_interval),
        "Top-2 accuracy": lambda model: with_interval(model.answers.top2),
        "Log loss, nats": lambda model: Cell(f"{model.test.log_loss:.3f}"),
        "Calibration error as trained": lambda model: with_interval(model.calibration.before),
        "Temperature": lambda model: Cell(f"{model.calibration.temperature:.2f}"),
        "Calibration error with it": lambda model: with_interval(model.calibration.after),
        "Accuracy on validation faces": lambda model: with_interval(
            model.validation.accuracy_interval
        ),
    }
    return [Row(name, cell(results.cnn), cell(results.dnn)) for name, cell in cells.items()]


def comparison_rows(results: Evaluation) -> list[tuple[str, list[str]]]:
    """Both networks and the majority class: parameters, accuracy, interval, McNemar's p."""
    rows = [
        (
            name,
            [
                count(model.parameters),
                percent(model.test.accuracy),
                percent_range(model.test.accuracy_interval),
                p,
            ],
        )
        for name, model, p in (
            ("CNN", results.cnn, NOTHING),
            ("DNN", results.dnn, probability(results.difference.p)),
        )
    ]
    majority = [NOTHING, percent(results.majority_accuracy), NOTHING, NOTHING]
    return [*rows, ("Majority class", majority)]


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
