"""What saliency maps are worth, in words."""

from pipeline.saliency.result import SaliencyResult
from pipeline.statistics.intervals import Interval
from pipeline.wording.numbers import (
    coefficient,
    counted,
    excludes_zero,
    percent,
    points,
    points_range,
    signed,
)


def on_features(model: str, found: SaliencyResult) -> str:
    """How much saliency falls on the features that make an expression."""
    lift, learned = found.lift, found.learned
    if (
        lift is None
        or learned is None
        or found.share_on_features is None
        or found.area_of_features is None
        or found.share_untrained is None
    ):
        return (
            "How much of the saliency falls on brows, eyes and mouth is not measured: where they "
            "are is not known for these faces."
        )
    if lift.low > 1:
        verdict = "more than expected by chance"
    elif lift.high < 1:
        verdict = "less than expected by chance"
    else:
        verdict = "not shown to differ from chance"
    return (
        f"Over {counted(found.faces_measured, 'test face')}, "
        f"{percent(found.share_on_features)} of the {model}'s saliency falls on brows, eyes and "
        f"mouth, which cover {percent(found.area_of_features)} of the picture. Per face that is "
        f"{lift.value:.2f} times their share of the area (95% interval {lift.low:.2f} to "
        f"{lift.high:.2f}): {verdict}. Before any training it was "
        f"{percent(found.share_untrained)}: training {_changed(learned)}."
    )


def _changed(learned: Interval) -> str:
    if not excludes_zero(learned):
        return "is not shown to change that"
    verb = "raises" if learned.value > 0 else "lowers"
    size = points(abs(learned.value)).lstrip("+")
    return f"{verb} it by {size} percentage points (95% interval {points_range(learned)})"


def deleted(model: str, found: SaliencyResult) -> str:
    """Whether the bright pixels of the maps matter to the answer."""
    smoothgrad = found.deletion.difference["smoothgrad"]
    if smoothgrad.low > 0:
        verdict = "the bright pixels matter"
    elif smoothgrad.high < 0:
        verdict = "the map points at the wrong pixels"
    else:
        verdict = "the bright pixels are not shown to matter more than others"
    return (
        f"Over {counted(found.faces_measured, 'test face')} the {model}'s mean probability of its "
        f"answer while pixels are deleted at random is {found.deletion.area_random:.3f}. Deleting "
        f"the brightest pixels of the SmoothGrad map first changes it by {_change(smoothgrad)}: "
        f"{verdict}."
    )


def methods(found: SaliencyResult) -> str:
    """How the other kinds of maps do in the same test."""
    names = {
        "gradient": "for the plain gradient",
        "loss": "for the gradient of the loss",
        "integrated": "for integrated gradients",
    }
    changes = [f"{_change(found.deletion.difference[key])} {name}" for key, name in names.items()]
    return f"With the other maps it changes by {'; '.join(changes)}."


def opponents(model: str, found: SaliencyResult) -> str:
    """Whether a face's own map knows more than an order that is the same for all faces."""
    names = {"mean_map": "the mean map of all these faces", "centre": "the centre outward"}
    sentences = []
    for key, name in names.items():
        gain = found.deletion.opponents[key]
        if gain.low > 0:
            verdict = "the face's own map knows more"
        elif gain.high < 0:
            verdict = "the face's own map knows less"
        else:
            verdict = "the face's own map is not shown to know more"
        sentences.append(
            f"Deleting in one order for all faces, by {name}, leaves {signed(gain.value, 3)} more "
            f"of the {model}'s probability (95% interval {signed(gain.low, 3)} to "
            f"{signed(gain.high, 3)}): {verdict}."
        )
    return " ".join(sentences).replace("by the centre outward", "from the centre outward")


def randomised(model: str, found: SaliencyResult) -> str:
    """Whether the maps show what the network has learned, or the face alone.

    Maps of other faces are the measure: what they share with a map is a matter of where faces have
    edges at all, and says nothing about the face or about what was learned.
    """
    randomisation = found.randomisation
    nothing, excess = randomisation.all, randomisation.excess
    if excess.low > 0:
        verdict = "a part of the maps comes from the faces and not from what was learned"
    else:
        verdict = (
            "beyond what maps of all faces have in common, nothing in them is shown to come from "
            "the faces and not from what was learned"
        )
    first, *_ = randomisation.spearman.values()
    return (
        f"With initial weights in its last layer, the {model}'s maps of "
        f"{counted(randomisation.faces, 'test face')} correlate by {coefficient(first)} with those "
        "of the trained network (Spearman, pixel by pixel); with initial weights in all "
        f"{len(randomisation.spearman)} layers, by {coefficient(nothing.value)} (95% interval "
        f"{coefficient(nothing.low)} to {coefficient(nothing.high)}). With such maps of other "
        f"faces they correlate by {coefficient(randomisation.others)}; the difference is "
        f"{coefficient(excess.value)} (95% interval {coefficient(excess.low)} to "
        f"{coefficient(excess.high)}): {verdict}."
    )


def _change(less: Interval) -> str:
    """By how much a probability changes; the interval is of how much lower it is."""
    value, low, high = (signed(-each, 3) for each in (less.value, less.high, less.low))
    return f"{value} (95% interval {low} to {high})"
