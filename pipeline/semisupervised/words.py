"""What unlabelled faces are worth, in words.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.faces.expressions import SIDE
from pipeline.semisupervised.params import SemiSupervised
from pipeline.semisupervised.result import SemiSupervisedResult
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


def seen(found: SemiSupervisedResult) -> str:
    """Which faces the autoencoder learned from."""
    if not found.unlabelled_faces:
        return "all of them"
    return f"all of them and {count(found.unlabelled_faces)} faces that never had a label"


def autoencoder(found: SemiSupervisedResult) -> str:
    """Which autoencoder it was: how large its code is beside a face, and what it sees of one."""
    pixels = SIDE**2
    size = (
        f"fewer than the {count(pixels)} pixels of a face: it cannot hold a copy of them"
        if found.code < pixels
        else f"no fewer than the {count(pixels)} pixels of a face: it is no bottleneck, as it "
        "could hold a copy of them"
    )
    noise = f"with noise (a standard deviation of {percent(found.noise)} of the grey range)"
    covered = f"with about {percent(found.mask_ratio)} of each covered, in squares"
    worse = [
        words for words, amount in ((noise, found.noise), (covered, found.mask_ratio)) if amount
    ]
    faces = (
        f"faces {' and '.join(worse)} and is to draw them as they were, which no copy does"
        if worse
        else "faces as they are and is to draw them so"
    )
    return (
        f"The code has {counted(found.code, 'number')}, {size}. In training the autoencoder sees "
        f"{faces}."
    )


def lost(found: SemiSupervisedResult) -> str:
    """What the difference between a face and its drawing means."""
    if found.code < SIDE**2:
        unseen = ", or was not learned from covered faces" if found.mask_ratio else ""
        return (
            "What is lost between the two rows did not fit into "
            f"{counted(found.code, 'number')}{unseen}."
        )
    return (
        f"The code of {counted(found.code, 'number')} has room for a whole face: how true the "
        "lower row is says little about what was learned."
    )


def selected(settings: SemiSupervised) -> str:
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


def worth(found: SemiSupervisedResult) -> str:
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
    gain, bounds = difference.accuracy, evidence(difference)
    if not excludes_zero(gain):
        return (
            f"{given} is not shown to help or to harm: {points(gain.value)} percentage points "
            f"{bounds}."
        )
    verdict = "adds" if gain.value > 0 else "costs"
    size = points(abs(gain.value)).lstrip("+")
    return f"{given} {verdict} {size} percentage points {bounds}.{doubt(difference)}"


def _beside_majority(found: SemiSupervisedResult) -> list[str]:
    """Which of the classifiers are not shown to beat the majority class; none is the rule."""
    lines = []
    starts = (
        ("on the encoder", found.pretrained),
        ("from random weights", found.labelled_only),
        ("that is consistent", found.consistent),
    )
    for start, interval in starts:
        verdict = no_better(interval, found.majority_accuracy)
        if verdict:
            lines.append(
                f"The classifier {start} {verdict} naming the most frequent expression every time."
            )
    return lines


def terminal_rows(found: SemiSupervisedResult) -> list[tuple[str, str, str]]:
    """What a terminal shows: name, accuracy or gain, interval."""
    labels = f"{count(found.labelled_faces)} labels"
    accuracies = {
        f"{labels} only": found.labelled_only,
        f"{labels} and an autoencoder": found.pretrained,
        f"{labels} and consistency": found.consistent,
    }
    gains = {"autoencoder": found.gain, "consistency": found.consistency_gain}
    return [
        *((name, percent(each.value), percent_range(each)) for name, each in accuracies.items()),
        *(
            (
                f"gain by {name}, in points",
                points(gain.accuracy.value),
                f"{points_range(gain.accuracy)}, {probability(gain.p)}",
            )
            for name, gain in gains.items()
        ),
    ]
