"""What unlabelled faces are worth, in words.

Every claim rests on its interval: where that includes what would make the claim empty, the
sentence says that nothing is shown.
"""

from pipeline.semisupervised.result import SemiSupervisedResult
from pipeline.statistics.trainings import TrainingsDifference
from pipeline.wording.evidence import around_zero, doubt, excludes_zero, no_better, verdict
from pipeline.wording.numbers import (
    count,
    decimal,
    percent,
    percent_range,
    points,
    points_range,
    probability,
)


def worth(found: SemiSupervisedResult) -> str:
    """What unlabelled faces add to few labels, and whether that is shown and beats naming one."""
    lines = [
        _gained("Against labels alone, a classifier on the autoencoder", found.gain),
        _gained("One that is consistent on all faces", found.consistency_gain),
    ]
    for start, interval in (
        ("on the encoder", found.pretrained),
        ("from random weights", found.labelled_only),
        ("that is consistent", found.consistent),
    ):
        if shown := no_better(interval, found.majority_accuracy):
            which = f"The classifier {start} {shown}"
            lines.append(f"{which} naming the most frequent expression every time.")
    return " ".join([*lines, _trained(found)])


def comparisons(found: SemiSupervisedResult) -> dict[str, float]:
    """What this stage compares, with the p value of each."""
    return {
        "an autoencoder against labels alone": found.gain.p,
        "consistency against labels alone": found.consistency_gain.p,
    }


def _trained(found: SemiSupervisedResult) -> str:
    """How often each kind was trained, and what the intervals cover."""
    if len(found.seeds) == 1:
        return (
            "Each was trained once: intervals cover the chance of the test faces and not that of "
            "training, so no conclusion about either method is drawn."
        )
    drawn = found.labelled_rows == "random"
    also = ", which also decide which faces keep their labels" if drawn else ""
    return (
        f"Each was trained with {len(found.seeds)} seeds{also}; figures are means over the seeds, "
        "their intervals cover the chance of seeds and of test faces, and p comes from the same "
        "resamples. What is shown of the autoencoder is the first seed's."
    )


def _gained(given: str, gain: TrainingsDifference) -> str:
    accuracy, single = gain.accuracy, len(gain.each) == 1
    test = "McNemar " if single else ""
    bounds = f"percentage points ({around_zero(accuracy)}; {test}{probability(gain.p)})"
    size = decimal(100 * abs(accuracy.value), 1)
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
