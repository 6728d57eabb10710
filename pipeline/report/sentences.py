"""What the numbers say, in words: each function gives plain text and decides nothing by itself.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pathlib import Path

from pipeline.analysis.intervals import Difference
from pipeline.data.expressions import EXPRESSIONS
from pipeline.layout import SAMPLE
from pipeline.report.content import (
    Confusion,
    Evaluated,
    Evaluation,
    Excited,
    Ingested,
    Looked,
    Parts,
    ReportContent,
    SemiSupervised,
)
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


def is_sample(source: str) -> bool:
    """Whether `data.source` means the embedded sample faces."""
    path = Path(source)
    return SAMPLE in (path, *path.parents)


def summary(content: ReportContent) -> list[str]:
    """The study in a few sentences: how good, how certainly, and what the autoencoder adds."""
    results = content.evaluation
    cnn, dnn = results.cnn.test.accuracy_interval, results.dnn.test.accuracy_interval
    good = (
        f"Of {counted(content.parts.test, 'test face')} that had no part in training or selection, "
        f"the convolutional network names the expression of {percent(cnn.value)} "
        f"(95% interval {percent_range(cnn)}) and the dense network of {percent(dnn.value)} "
        f"({percent_range(dnn)}); naming the most frequent expression every time would be right "
        f"for {percent(results.majority_accuracy)}."
    )
    return [good, *against_majority(results), compared(results.difference),
            worth(content.semisupervised)]  # fmt: skip


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
    evidence = f"{points_range(gap)}; McNemar {probability(difference.p)}"
    if not excludes_zero(gap):
        return (
            "Neither network is shown to be better: the convolutional one less the dense one is "
            f"{points(gap.value)} percentage points ({evidence})."
        )
    verdict = "better" if gap.value > 0 else "worse"
    return (
        f"On the same faces the convolutional network is {verdict} by "
        f"{points(abs(gap.value)).lstrip('+')} percentage points ({evidence})."
    )


def worth(found: SemiSupervised) -> str:
    """What an autoencoder on unlabelled faces adds to few labels, and whether that is shown."""
    gain = found.gain.accuracy
    given = (
        f"With the labels of {count(found.labelled_faces)} of {count(found.training_faces)} "
        "training faces, an autoencoder that has seen all of them"
    )
    evidence = f"({points_range(gain)}; the interval {{}} 0)"
    if not excludes_zero(gain):
        return (
            f"{given} is not shown to help or to harm: {points(gain.value)} percentage points "
            + evidence.format("includes")
            + "."
        )
    verdict = "adds" if gain.value > 0 else "costs"
    size = points(abs(gain.value)).lstrip("+")
    return f"{given} {verdict} {size} percentage points " + evidence.format("excludes") + "."


def leaks(parts: Parts) -> str:
    """Whether held-out faces also stand elsewhere."""
    if not parts.copies_across_parts:
        return "No validation or test face has an exact copy in another part."
    faces = counted(parts.copies_across_parts, "validation or test face")
    have = "has an exact copy" if parts.copies_across_parts == 1 else "have exact copies"
    return f"Beware: {faces} {have} in another part, which flatters the figures."


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


def looks(looked: Looked) -> str:
    """How much saliency falls on the features that make an expression."""
    if looked.lift is None or looked.share_on_features is None or looked.area_of_features is None:
        return (
            "How much of the saliency falls on brows, eyes and mouth is not measured: where they "
            "are is not known for these faces."
        )
    lift = looked.lift
    if lift.low > 1:
        verdict = "more than chance would put there"
    elif lift.high < 1:
        verdict = "less than chance would put there"
    else:
        verdict = "not shown to differ from chance"
    return (
        f"Over {counted(looked.faces_measured or 0, 'test face')}, "
        f"{percent(looked.share_on_features)} of the saliency falls on brows, eyes and mouth, "
        f"which cover {percent(looked.area_of_features)} of the picture. Per face that is "
        f"{lift.value:.2f} times the share of an equal area elsewhere (95% interval "
        f"{lift.low:.2f} to {lift.high:.2f}): {verdict}."
    )


def excitement(excited: Excited) -> str:
    """How far the images were brought to excite their filters."""
    before, after = (sum(values) / len(values) for values in (excited.before, excited.after))
    return f"Mean activation of these filters: {before:.2f} before, {after:.2f} after."


def calibrated(name: str, model: Evaluated) -> str:
    """How far confidence is from accuracy."""
    error = 100 * model.test.calibration_error
    return f"the {name}'s confidence is off by {error:.1f} points on average"


def quality(ingested: Ingested) -> list[str]:
    """What was found in the data, one sentence a finding."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    lines = []
    if labelled.copies:
        verb = "is an exact copy" if labelled.copies == 1 else "are exact copies"
        lines.append(
            f"{counted(labelled.copies, 'labelled face')} {verb} of another; "
            f"{counted(labelled.disagreeing, 'set')} of copies "
            f"{'carries' if labelled.disagreeing == 1 else 'carry'} more than one label."
        )
    else:
        lines.append("No labelled face is an exact copy of another.")
    if labelled.constant:
        lines.append(
            f"{counted(labelled.constant, 'labelled face')} "
            f"{'is' if labelled.constant == 1 else 'are'} blank: one grey value all over."
        )
    if not unlabelled.faces:
        lines.append("The source has no unlabelled faces.")
    elif ingested.shared:
        verb = "stands" if ingested.shared == 1 else "stand"
        lines.append(
            f"{counted(ingested.shared, 'unlabelled face')} of {count(unlabelled.faces)} also "
            f"{verb}, pixel by pixel, among the labelled ones."
        )
    if ingested.dropped:
        verb = "was" if ingested.dropped == 1 else "were"
        lines.append(f"{counted(ingested.dropped, 'row')} {verb} no face and {verb} dropped.")
    return lines


def _listed(names: list[str], word: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
