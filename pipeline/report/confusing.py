"""What a confusion matrix says, in words, and beside what was published."""

from collections.abc import Mapping
from typing import Any

from pipeline.analysis.confusion import NEGATIVE, Correlation
from pipeline.data.expressions import EXPRESSIONS
from pipeline.report.content import Confusion, Evaluation
from pipeline.report.numbers import count, counted, percent, percent_range, probability

PUBLISHED_RECALLS = dict(zip(EXPRESSIONS, (0.58, 0.45, 0.46, 0.89, 0.55, 0.78, 0.67), strict=True))
"""Diagonal of a confusion matrix in a published coursework report on FER2013 (R3), whose network
is not described."""

PUBLISHED_EXTREMES = {"happy": 0.89, "fear": 0.38}
"""Best and worst recall of another such report (R1)."""


def never_named(model: str, confusion: Confusion) -> str:
    """Expressions that occur among the test faces and that a model never names; else nothing."""
    named = [sum(column) for column in zip(*confusion.counts, strict=True)]
    missed = [
        name
        for name, row, total in zip(EXPRESSIONS, confusion.counts, named, strict=True)
        if sum(row) and not total
    ]
    return f"The {model} never answers {_listed(missed, 'or')}." if missed else ""


def confusions(confusion: Confusion) -> list[str]:
    """The most confused pairs, one sentence each, the largest share first."""
    of_expression = {
        name: sum(row) for name, row in zip(EXPRESSIONS, confusion.counts, strict=True)
    }
    return [
        f"{pair.true} is taken for {pair.predicted}: "
        f"{count(pair.faces)} of {counted(of_expression[pair.true], 'face')} ({pair.share:.0%})"
        for pair in confusion.most_confused
    ]


def negatives(model: str, confusion: Confusion) -> str:
    """What becomes of the faces with a negative expression."""
    block = confusion.negative
    faces = sum(sum(row) for row in block.counts)
    return (
        f"Of {counted(faces, 'test face')} that are {_listed(list(NEGATIVE), 'or')} the {model} "
        f"names {percent(block.right)} rightly, takes {percent(block.within)} for another of these "
        f"four and {percent(block.beyond)} for something that is not negative."
    )


def pulls(model: str, confusion: Confusion) -> list[str]:
    """How many faces are drawn to one answer, and whether more than its frequency explains."""
    lines = []
    for name, found in confusion.pull.items():
        errors = found.of_errors
        if errors.low > found.expected:
            verdict = "more than its frequency would draw"
        elif errors.high < found.expected:
            verdict = "fewer than its frequency would draw"
        else:
            verdict = "not shown to differ from what its frequency would draw"
        lines.append(
            f"{percent(errors.value)} of the {model}'s errors are the answer {name} (95% interval "
            f"{percent_range(errors)}), {verdict}, {percent(found.expected)}; of all faces that "
            f"are not {name}, {percent(found.of_others.value)} are taken for it "
            f"({percent_range(found.of_others)})."
        )
    return lines


def by_frequency(correlations: Mapping[Any, Correlation]) -> str:
    """Whether rare expressions are recognised less well: a claim of a report, tested."""
    parts = []
    for model, found in correlations.items():
        if found.pearson is None or found.pearson_p is None:
            parts.append(f"for the {model.upper()} there is none, as all recalls are equal")
            continue
        assert found.spearman is not None  # noqa: S101 (both or neither)
        assert found.spearman_p is not None  # noqa: S101
        shown = "" if found.pearson_p < 0.05 else ", which is not shown to differ from none"
        parts.append(
            f"for the {model.upper()} {found.pearson:.2f} ({probability(found.pearson_p)}{shown}), "
            f"by ranks {found.spearman:.2f} ({probability(found.spearman_p)})"
        )
    return (
        "Correlation of recall with frequency over seven expressions: "
        + "; ".join(parts)
        + ". Seven points are few: one expression can make or break it."
    )


def published_rows(results: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Recall of each expression: the CNN's, the DNN's, and those of two published reports."""
    return [
        (
            name,
            _recall(results.cnn.test.per_class[name]),
            _recall(results.dnn.test.per_class[name]),
            f"{PUBLISHED_RECALLS[name]:.2f}",
            f"{PUBLISHED_EXTREMES[name]:.2f}" if name in PUBLISHED_EXTREMES else "",
        )
        for name in EXPRESSIONS
    ]


def _recall(scores: Any) -> str:
    return f"{scores.recall:.2f}" if scores.faces else "\N{EN DASH}"


def _listed(names: list[str], word: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
