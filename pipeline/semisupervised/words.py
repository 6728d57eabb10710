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
    pixels = f"{count(SIDE**2)} pixels of a face: it"
    size = (
        f"fewer than the {pixels} cannot hold a copy of them"
        if found.code < SIDE**2
        else f"no fewer than the {pixels} is no bottleneck, as it could hold a copy of them"
    )
    worse = []
    if found.noise:
        worse += [f"with noise (a standard deviation of {percent(found.noise)} of the grey range)"]
    if found.mask_ratio:
        worse += [f"with about {percent(found.mask_ratio)} of each covered, in squares"]
    faces = (
        f"faces {' and '.join(worse)} and is to draw them as they were, which no copy does"
        if worse
        else "faces as they are and is to draw them so"
    )
    code = counted(found.code, "number")
    return f"The code has {code}, {size}. In training the autoencoder sees {faces}."


def lost(found: SemiSupervisedResult) -> str:
    """What the difference between a face and its drawing means."""
    code = counted(found.code, "number")
    if found.code < SIDE**2:
        unseen = ", or was not learned from covered faces" if found.mask_ratio else ""
        return f"What is lost between the two rows did not fit into {code}{unseen}."
    return (
        f"The code of {code} has room for a whole face: how true the lower row is says little "
        "about what was learned."
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
        return "choose nothing, as the last epoch of each training is kept"
    which = " of each" if len(names) == len(fits) else f" of the {' and the '.join(names)}"
    return f"choose the epoch{which}"


def effort(found: SemiSupervisedResult, settings: SemiSupervised) -> str:
    """How much more the third classifier is shown than the first: what a comparison has to know."""
    everything = found.training_faces + found.unlabelled_faces
    method = settings.consistency
    shown = method.fit.epochs * everything * (1 + method.labelled_share)
    alone = settings.classifier.epochs * found.labelled_faces
    return (
        f"In training the third classifier is shown {shown / alone:.1f} times as many faces as the "
        "first, and it alone sees the strong changes: its difference is that of the whole method, "
        "not of unlabelled faces alone."
    )


def worth(found: SemiSupervisedResult) -> str:
    """What unlabelled faces add to few labels, and whether that is shown and beats naming one."""
    given = (
        f"With the labels of {count(found.labelled_faces)} of {count(found.training_faces)} "
        f"training faces, a classifier on an autoencoder that has seen {seen(found)}"
    )
    lines = [
        _gained(given, found.gain),
        _gained("Consistency on the same faces", found.consistency_gain),
    ]
    for start, interval in (
        ("on the encoder", found.pretrained),
        ("from random weights", found.labelled_only),
        ("that is consistent", found.consistent),
    ):
        if verdict := no_better(interval, found.majority_accuracy):
            which = f"The classifier {start} {verdict}"
            lines.append(f"{which} naming the most frequent expression every time.")
    once = (
        "Each classifier was trained once: the intervals cover the chance of the test faces and "
        "not that of training, so neither difference says what another training would give."
    )
    return " ".join([*lines, once])


def _gained(given: str, difference: Difference) -> str:
    gain = difference.accuracy
    bounds = f"percentage points {evidence(difference)}."
    if not excludes_zero(gain):
        return f"{given} is not shown to help or to harm: {points(gain.value)} {bounds}"
    verdict = "is better" if gain.value > 0 else "is worse"
    size = points(abs(gain.value)).lstrip("+")
    return f"{given} {verdict} in this one training, by {size} {bounds}{doubt(difference)}"


def terminal_rows(found: SemiSupervisedResult) -> list[tuple[str, str, str]]:
    """What a terminal shows: name, accuracy or gain, interval."""
    labels = f"{count(found.labelled_faces)} labels"
    rows = [
        (name, percent(each.value), percent_range(each))
        for name, each in (
            (f"{labels} only", found.labelled_only),
            (f"{labels} and an autoencoder", found.pretrained),
            (f"{labels} and consistency", found.consistent),
        )
    ]
    for method, gain in (("autoencoder", found.gain), ("consistency", found.consistency_gain)):
        bounds = f"{points_range(gain.accuracy)}, {probability(gain.p)}"
        rows.append((f"gain by {method}, in points", points(gain.accuracy.value), bounds))
    return rows
