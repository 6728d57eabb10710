"""What the study claims, in words: how good the networks are, and what each addition is worth.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.faces.expressions import SIDE
from pipeline.params import SemiSupervised as SemiSupervisedParams
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
from pipeline.statistics.intervals import Difference, Interval
from pipeline.training.selection import epoch_chosen_on

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
        doubt = _no_better(model.test.accuracy_interval, results.majority_accuracy)
        if doubt:
            lines.append(f"The {name} network {doubt} that.")
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


def compared_by_f1(difference: Difference) -> str:
    """The same by macro-F1, to which rare expressions matter as much as frequent ones."""
    gap = difference.macro_f1
    verb = "excludes" if excludes_zero(gap) else "includes"
    return (
        f"By macro-F1 the convolutional one less the dense one is {points(gap.value)} percentage "
        f"points (95% interval {points_range(gap)}, which {verb} 0)."
    )


def seen(found: SemiSupervised) -> str:
    """Which faces the autoencoder learned from."""
    if not found.unlabelled_faces:
        return "all of them"
    return f"all of them and {count(found.unlabelled_faces)} faces that never had a label"


def autoencoder(found: SemiSupervised) -> str:
    """Which autoencoder it was: how large its code is beside a face, and what it sees of one."""
    pixels = SIDE**2
    size = (
        f"fewer than the {count(pixels)} pixels of a face: it cannot hold a copy of them"
        if found.code < pixels
        else f"no fewer than the {count(pixels)} pixels of a face: it is no bottleneck, as it "
        "could hold a copy of them"
    )
    noise = f"with noise (a standard deviation of {percent(found.noise)} of the grey range)"
    covered = f"with about {percent(found.hidden)} of each covered, in squares"
    worse = [words for words, amount in ((noise, found.noise), (covered, found.hidden)) if amount]
    faces = (
        f"faces {' and '.join(worse)} and is to draw them as they were, which no copy does"
        if worse
        else "faces as they are and is to draw them so"
    )
    return (
        f"The code has {counted(found.code, 'number')}, {size}. In training the autoencoder sees "
        f"{faces}."
    )


def lost(found: SemiSupervised) -> str:
    """What the difference between a face and its drawing means."""
    if found.code < SIDE**2:
        unseen = ", or was not learned from covered faces" if found.hidden else ""
        return (
            "What is lost between the two rows did not fit into "
            f"{counted(found.code, 'number')}{unseen}."
        )
    return (
        f"The code of {counted(found.code, 'number')} has room for a whole face: how true the "
        "lower row is says little about what was learned."
    )


def selected(settings: SemiSupervisedParams) -> str:
    """What the validation faces are for in these trainings."""
    fits = {
        "autoencoder": settings.autoencoder,
        "first two classifiers": settings.classifier,
        "consistent classifier": settings.consistency.fit,
    }
    names = [name for name, fit in fits.items() if epoch_chosen_on(fit) == "validation"]
    if not names:
        return "only look on, as the last epoch of each training is kept"
    which = " of each" if len(names) == len(fits) else f" of the {' and the '.join(names)}"
    return f"choose the epoch{which}"


def worth(found: SemiSupervised) -> str:
    """What unlabelled faces add to few labels, and whether that is shown and beats naming one."""
    given = (
        f"With the labels of {count(found.labelled_faces)} of {count(found.training_faces)} "
        f"training faces, an autoencoder that has seen {seen(found)}"
    )
    method = "Being consistent on the same faces"
    once = (
        "Each classifier was trained once: the intervals cover the chance of the test faces, not "
        "that of training."
    )
    gains = [_gained(given, found.gain), _gained(method, found.consistency_gain)]
    return " ".join([*gains, *_beside_majority(found), once])


def _gained(given: str, difference: Difference) -> str:
    gain, evidence = difference.accuracy, _evidence(difference)
    if not excludes_zero(gain):
        return (
            f"{given} is not shown to help or to harm: {points(gain.value)} percentage points "
            f"{evidence}."
        )
    verdict = "adds" if gain.value > 0 else "costs"
    size = points(abs(gain.value)).lstrip("+")
    return f"{given} {verdict} {size} percentage points {evidence}.{_doubt(difference)}"


def _beside_majority(found: SemiSupervised) -> list[str]:
    """Which of the classifiers are not shown to beat the majority class; none is the rule."""
    lines = []
    starts = (
        ("on the encoder", found.pretrained),
        ("from random weights", found.labelled_only),
        ("that is consistent", found.consistent),
    )
    for start, interval in starts:
        doubt = _no_better(interval, found.majority_accuracy)
        if doubt:
            lines.append(
                f"The classifier {start} {doubt} naming the most frequent expression every time."
            )
    return lines


def _no_better(accuracy: Interval, majority: float) -> str:
    """What an accuracy is that is not shown to beat the majority class; else nothing."""
    if accuracy.high < majority:
        return "is worse than"
    return "is not shown to be better than" if accuracy.low <= majority else ""


def _evidence(difference: Difference) -> str:
    verb = "excludes" if excludes_zero(difference.accuracy) else "includes"
    return (
        f"(95% interval {points_range(difference.accuracy)}, which {verb} 0; "
        f"McNemar {probability(difference.p)})"
    )


def _doubt(difference: Difference) -> str:
    """Where the exact test does not bear out what the bootstrap says, which happens near 0."""
    return " The exact test does not confirm it." if difference.p >= _LEVEL else ""
