"""What unlabelled faces are worth, in words.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.faces.expressions import SIDE
from pipeline.semisupervised.result import SemiSupervisedResult
from pipeline.statistics.trainings import TrainingsDifference
from pipeline.wording.evidence import doubt, no_better
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


def trained(found: SemiSupervisedResult) -> str:
    """How often each kind was trained, and what the figures of several trainings are."""
    if len(found.seeds) == 1:
        return "Each was trained once."
    return (
        f"Each was trained with {len(found.seeds)} seeds, which also decide which faces keep their "
        "labels; figures are means over the seeds, their intervals cover the chance of seeds and "
        "of test faces."
    )


def alike(found: SemiSupervisedResult) -> str:
    """What the three classifiers have in common: all but the unlabelled faces."""
    return (
        f"All three are shown {counted(found.shown, 'face')} in {counted(found.steps, 'step')}, "
        "changed in the same ways, at the same learning rates, and keep their last weights: "
        "validation faces choose nothing, as their labels would be more than a classifier with few "
        "labels has. So what differs is what unlabelled faces bring."
    )


def worth(found: SemiSupervisedResult) -> str:
    """What unlabelled faces add to few labels, and whether that is shown and beats naming one."""
    given = (
        f"With the labels of {count(found.labelled_faces)} of {count(found.training_faces)} "
        f"training faces, a classifier on an autoencoder that has seen {seen(found)}"
    )
    lines = [
        _gained(given, found.gain),
        _gained("One that is consistent on the same faces", found.consistency_gain),
    ]
    for start, interval in (
        ("on the encoder", found.pretrained),
        ("from random weights", found.labelled_only),
        ("that is consistent", found.consistent),
    ):
        if verdict := no_better(interval, found.majority_accuracy):
            which = f"The classifier {start} {verdict}"
            lines.append(f"{which} naming the most frequent expression every time.")
    return " ".join([*lines, _trainings_behind(found)])


def in_short(found: SemiSupervisedResult) -> str:
    """What unlabelled faces are worth: both differences, each with its interval."""
    gains = [
        f"{points(gain.accuracy.value)} ({points_range(gain.accuracy)}) {way}"
        for way, gain in (
            ("by an autoencoder", found.gain),
            ("by consistency", found.consistency_gain),
        )
    ]
    return (
        "What unlabelled faces are worth, in percentage points of accuracy beside the same "
        f"training on labels alone: {' and '.join(gains)}. {_trainings_behind(found)}"
    )


def comparisons(found: SemiSupervisedResult) -> dict[str, float]:
    """What this stage compares, with the p value of each."""
    return {
        "an autoencoder against labels alone": found.gain.p,
        "consistency against labels alone": found.consistency_gain.p,
    }


def _trainings_behind(found: SemiSupervisedResult) -> str:
    if len(found.seeds) == 1:
        return (
            "This is one training of each: the intervals cover the chance of the test faces and "
            "not that of training, so no conclusion about either method is drawn."
        )
    return (
        f"The intervals are over {len(found.seeds)} trainings of each and the test faces together."
    )


def _gained(given: str, gain: TrainingsDifference) -> str:
    accuracy, single = gain.accuracy, len(gain.each) == 1
    verb = "excludes" if excludes_zero(accuracy) else "includes"
    test = "McNemar " if single else ""
    bounds = (
        f"percentage points (95% interval {points_range(accuracy)}, which {verb} 0; "
        f"{test}{probability(gain.p)})"
    )
    size = points(abs(accuracy.value)).lstrip("+")
    if single:
        verdict = "better" if accuracy.value > 0 else "worse"
        if not excludes_zero(accuracy):
            return f"{given} differs in this one training by {points(accuracy.value)} {bounds}."
        return f"{given} is {verdict} in this one training, by {size} {bounds}.{doubt(gain)}"
    if not excludes_zero(accuracy):
        return f"{given} is not shown to help or to harm: {points(accuracy.value)} {bounds}."
    verb = "gains" if accuracy.value > 0 else "loses"
    return f"{given} {verb} {size} {bounds}."


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
