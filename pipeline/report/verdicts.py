"""What the study claims, in words: how good the networks are, and what each addition is worth.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.analysis.intervals import Difference
from pipeline.report.content import Evaluation, ReportContent, SemiSupervised
from pipeline.report.numbers import (
    count,
    counted,
    excludes_zero,
    percent,
    percent_range,
    points,
    points_range,
    probability,
)

_LEVEL = 0.05
"""Above this p the exact test does not confirm a difference; it belongs to 95% intervals."""


def summary(content: ReportContent) -> list[str]:
    """The study in three short paragraphs: how good, which is better, what unlabelled faces add."""
    results = content.evaluation
    cnn, dnn = results.cnn.test.accuracy_interval, results.dnn.test.accuracy_interval
    good = (
        f"Of {counted(content.parts.test, 'test face')} that had no part in training or selection, "
        f"the convolutional network names the expression of {percent(cnn.value)} "
        f"(95% interval {percent_range(cnn)}) and the dense network of {percent(dnn.value)} "
        f"({percent_range(dnn)}); naming the most frequent expression every time would be right "
        f"for {percent(results.majority_accuracy)}."
    )
    return [
        " ".join([good, *against_majority(results)]),
        compared(results.difference),
        worth(content.semisupervised),
    ]


def against_majority(results: Evaluation) -> list[str]:
    """Which networks are not shown to beat the majority class; none is the rule."""
    lines = []
    for name, model in (("convolutional", results.cnn), ("dense", results.dnn)):
        interval = model.test.accuracy_interval
        if interval.high < results.majority_accuracy:
            lines.append(f"The {name} network is worse than that.")
        elif interval.low <= results.majority_accuracy:
            lines.append(f"The {name} network is not shown to be better than that.")
    return lines


def compared(difference: Difference) -> str:
    """The CNN against the DNN on the same faces."""
    gap = difference.accuracy
    if not excludes_zero(gap):
        return (
            "Neither network is shown to be better: the convolutional one less the dense one is "
            f"{points(gap.value)} percentage points {_evidence(difference)}."
        )
    verdict = "better" if gap.value > 0 else "worse"
    return (
        f"On the same faces the convolutional network is {verdict} by "
        f"{points(abs(gap.value)).lstrip('+')} percentage points {_evidence(difference)}."
        f"{_doubt(difference)}"
    )


def seen(found: SemiSupervised) -> str:
    """Which faces the autoencoder learned from."""
    if not found.unlabelled_faces:
        return "all of them"
    return f"all of them and {count(found.unlabelled_faces)} faces that never had a label"


def worth(found: SemiSupervised) -> str:
    """What an autoencoder on unlabelled faces adds to few labels, and whether that is shown."""
    gain, evidence = found.gain.accuracy, _evidence(found.gain)
    given = (
        f"With the labels of {count(found.labelled_faces)} of {count(found.training_faces)} "
        f"training faces, an autoencoder that has seen {seen(found)}"
    )
    if not excludes_zero(gain):
        return (
            f"{given} is not shown to help or to harm: {points(gain.value)} percentage points "
            f"{evidence}."
        )
    verdict = "adds" if gain.value > 0 else "costs"
    size = points(abs(gain.value)).lstrip("+")
    return f"{given} {verdict} {size} percentage points {evidence}.{_doubt(found.gain)}"


def _evidence(difference: Difference) -> str:
    verb = "excludes" if excludes_zero(difference.accuracy) else "includes"
    return (
        f"(95% interval {points_range(difference.accuracy)}, which {verb} 0; "
        f"McNemar {probability(difference.p)})"
    )


def _doubt(difference: Difference) -> str:
    """Where the exact test does not bear out what the bootstrap says, which happens near 0."""
    return " The exact test does not confirm it." if difference.p >= _LEVEL else ""
