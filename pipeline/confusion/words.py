"""What a confusion matrix says, in words, and beside what was published."""

from collections.abc import Mapping

from pipeline.confusion.result import ConfusionResult, Pull
from pipeline.evaluate.result import Evaluation
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import MODELS, ModelName
from pipeline.statistics.scores import ClassScores
from pipeline.wording.evidence import LEVEL, around_zero, verdict
from pipeline.wording.numbers import (
    NOTHING,
    count,
    counted,
    percent,
    percent_interval,
    percent_range,
    points,
    probability,
    signed,
)

R3_RECALLS = dict(zip(EXPRESSIONS, (0.58, 0.45, 0.46, 0.89, 0.55, 0.78, 0.67), strict=True))
"""Diagonal of the confusion matrix that the reference report R3 prints for a CNN which it does not
describe, on faces of the Kaggle competition (FER2013)."""

R1_RECALLS = {"fear": 0.38, "happy": 0.89}
"""Worst and best recall of the CNN of the reference report R1, the only ones that it prints; faces
of the same competition."""

_POINTS = {3: "Three", 4: "Four", 5: "Five", 6: "Six", 7: "Seven"}
"""How many expressions a correlation can be of."""


def class_rows(
    results: Evaluation, confusion: Mapping[ModelName, ConfusionResult]
) -> list[tuple[str, list[str]]]:
    """Each expression: its test faces, then precision, recall and F1 of CNN and of DNN."""
    rows = []
    for number, name in enumerate(EXPRESSIONS):
        cells = [count(results.cnn.test.per_class[name].faces)]
        for model in MODELS:
            scores: ClassScores = getattr(results, model).test.per_class[name]
            named = sum(row[number] for row in confusion[model].counts)
            cells += [
                f"{scores.precision:.2f}" if named else NOTHING,
                _recall(scores),
                f"{scores.f1:.2f}" if scores.faces else NOTHING,
            ]
        rows.append((name, cells))
    return rows


def published_rows(results: Evaluation) -> list[tuple[str, list[str]]]:
    """Recall of each expression: the CNN's, the DNN's, that of R3 and that of R1."""
    return [
        (
            name,
            [
                *(_recall(each.test.per_class[name]) for each in (results.cnn, results.dnn)),
                f"{R3_RECALLS[name]:.2f}",
                f"{R1_RECALLS[name]:.2f}" if name in R1_RECALLS else "",
            ],
        )
        for name in EXPRESSIONS
    ]


def never_named(model: str, confusion: ConfusionResult) -> str:
    """Expressions that occur among the test faces and that a model never names; else nothing."""
    named = [sum(column) for column in zip(*confusion.counts, strict=True)]
    missed = [
        name
        for name, row, total in zip(EXPRESSIONS, confusion.counts, named, strict=True)
        if sum(row) and not total
    ]
    return f"The {model} never answers {_listed(missed)}." if missed else ""


def confusions(confusion: ConfusionResult) -> list[str]:
    """The most confused pairs, one line each, as they are ranked."""
    faces = dict(zip(EXPRESSIONS, map(sum, confusion.counts), strict=True))
    return [
        f"{pair.true} is taken for {pair.predicted}: "
        f"{count(pair.faces)} of {counted(faces[pair.true], 'face')}, {percent(pair.share.value)} "
        f"({percent_range(pair.share)})"
        for pair in confusion.most_confused
    ]


def pulls(model: str, confusion: ConfusionResult) -> list[str]:
    """How many faces are drawn to one answer, and whether more than its frequency explains."""
    wrong = sum(sum(row) - row[k] for k, row in enumerate(confusion.counts))
    if not wrong:
        return [f"The {model} makes no errors on the test faces."]
    return [_pull(model, name, found) for name, found in confusion.pull.items()]


def _pull(model: str, name: str, found: Pull) -> str:
    shown = verdict(
        found.excess, above="more than", below="less than",
        neither="which is not shown to differ from",
    )  # fmt: skip
    return (
        f"{percent_interval(found.of_errors)} of the {model}'s errors are the answer {name}, "
        f"{shown} the {percent(found.expected)} expected from its frequency: "
        f"{points(found.excess.value)} percentage points ({around_zero(found.excess)}). Of all "
        f"faces that are not {name}, {percent(found.of_others.value)} are taken for it "
        f"({percent_range(found.of_others)})."
    )


def by_frequency(model: str, confusion: ConfusionResult) -> str:
    """Whether rare expressions are recognised less well: a claim of many reports, tested."""
    found = confusion.recall_by_frequency
    measured = (
        ("Pearson", found.pearson, found.pearson_p),
        ("Spearman", found.spearman, found.spearman_p),
    )
    known = [(name, r, p) for name, r, p in measured if r is not None and p is not None]
    if not known:
        enough = _count_occurring(confusion) in _POINTS
        reason = "recalls or frequencies do not differ" if enough else "too few expressions occur"
        return f"For the {model} there is no correlation: {reason}."
    by_value, by_rank = (f"{signed(r, 2)} ({name}, {probability(p)})" for name, r, p in known)
    signs = [r > 0 for _, r, p in known if p < LEVEL]
    if signs in ([True, True], [False, False]):  # for a claim the two have to agree
        shown = f"rarer expressions are recognised {'less well' if signs[0] else 'better'}"
    elif signs:
        shown = (
            "that rarer expressions are recognised less well is not settled, as only one of the "
            "two is beyond chance"
        )
    else:
        shown = "that rarer expressions are recognised less well is not shown"
    return (
        f"For the {model}, recall and frequency correlate by {by_value}, their ranks by {by_rank}: "
        f"{shown}."
    )


def few_points(confusion: ConfusionResult) -> str:
    """On how little a correlation rests; nothing where expressions are too few for one."""
    points = _POINTS.get(_count_occurring(confusion))
    few = f"{points} points are few: a single expression can decide a correlation."
    return few if points else ""


def _count_occurring(confusion: ConfusionResult) -> int:
    return sum(map(any, confusion.counts))


def _recall(scores: ClassScores) -> str:
    return f"{scores.recall:.2f}" if scores.faces else NOTHING


def _listed(names: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
