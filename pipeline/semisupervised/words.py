"""What unlabelled faces are worth, in words.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.faces.expressions import SIDE
from pipeline.semisupervised.result import SemiSupervisedResult
from pipeline.statistics.trainings import TrainingsDifference
from pipeline.wording.evidence import around_zero, doubt, excludes_zero, no_better, verdict
from pipeline.wording.numbers import (
    count,
    counted,
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
        f"faces {' and '.join(worse)}, and is to draw them as they were, which no copy does"
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
    """How often each kind was trained, and what the intervals cover."""
    if len(found.seeds) == 1:
        return (
            "Each was trained once: intervals cover the chance of the test faces and not that of "
            "training, so no conclusion about either method is drawn."
        )
    return (
        f"Each was trained with {len(found.seeds)} seeds, which also decide which faces keep their "
        "labels; figures are means over the seeds, their intervals cover the chance of seeds and "
        "of test faces."
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
        if shown := no_better(interval, found.majority_accuracy):
            which = f"The classifier {start} {shown}"
            lines.append(f"{which} naming the most frequent expression every time.")
    return " ".join([*lines, trained(found)])


def comparisons(found: SemiSupervisedResult) -> dict[str, float]:
    """What this stage compares, with the p value of each."""
    return {
        "an autoencoder against labels alone": found.gain.p,
        "consistency against labels alone": found.consistency_gain.p,
    }


def _gained(given: str, gain: TrainingsDifference) -> str:
    accuracy, single = gain.accuracy, len(gain.each) == 1
    test = "McNemar " if single else ""
    bounds = f"percentage points ({around_zero(accuracy)}; {test}{probability(gain.p)})"
    size = points(abs(accuracy.value)).lstrip("+")
    if single:
        way = "better" if accuracy.value > 0 else "worse"
        if not excludes_zero(accuracy):
            return f"{given} differs in this one training by {points(accuracy.value)} {bounds}."
        return f"{given} is {way} in this one training, by {size} {bounds}.{doubt(gain)}"
    change = verdict(
        accuracy, above=f"gains {size}", below=f"loses {size}",
        neither=f"is not shown to help or to harm: {points(accuracy.value)}",
    )  # fmt: skip
    return f"{given} {change} {bounds}."


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
