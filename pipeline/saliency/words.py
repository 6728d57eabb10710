"""What saliency maps are worth, in words."""

from pipeline.saliency.result import Saliency
from pipeline.statistics.intervals import Interval
from pipeline.wording.numbers import (
    coefficient,
    counted,
    excludes_zero,
    percent,
    points,
    points_range,
)

ALIKE = 0.5
"""Rank correlation from which on two maps are called alike: a quarter of the variance in common."""


def on_features(model: str, found: Saliency) -> str:
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
        verdict = "more than chance would put there"
    elif lift.high < 1:
        verdict = "less than chance would put there"
    else:
        verdict = "not shown to differ from chance"
    return (
        f"Over {counted(found.faces_measured, 'test face')}, "
        f"{percent(found.share_on_features)} of the {model}'s saliency falls on brows, "
        f"eyes and mouth, which cover {percent(found.area_of_features)} of the picture. Per face "
        f"that is {lift.value:.2f} times what its area alone would give (95% interval "
        f"{lift.low:.2f} to {lift.high:.2f}): {verdict}. Before any training it was "
        f"{percent(found.share_untrained)}: training {_brought(learned)}."
    )


def _brought(learned: Interval) -> str:
    if not excludes_zero(learned):
        return "is not shown to change that"
    change = f"{points(learned.value)} percentage points (95% interval {points_range(learned)})"
    return f"draws saliency to them, {change}" if learned.value > 0 else f"takes some off, {change}"


def deleted(model: str, found: Saliency) -> str:
    """Whether the bright pixels of the maps matter to the answer."""
    smoothgrad = found.deletion.difference["smoothgrad"]
    if smoothgrad.low > 0:
        verdict = f"takes {_spread(smoothgrad)} of it: the bright pixels matter"
    elif smoothgrad.high < 0:
        verdict = f"leaves {_spread(smoothgrad, -1)} more: the map points at the wrong pixels"
    else:
        verdict = (
            f"takes {_spread(smoothgrad)} of it: they are not shown to matter more than others"
        )
    return (
        f"Over {counted(found.faces_measured, 'test face')} the {model}'s mean probability of its "
        f"answer while pixels are deleted at random is {found.deletion.area_random:.3f}; deleting "
        f"the brightest pixels of the SmoothGrad map first {verdict}."
    )


def randomised(model: str, found: Saliency) -> str:
    """Whether the maps show what the network has learned, or the face alone."""
    randomisation = found.randomisation
    nothing = randomisation.all
    if nothing.high < ALIKE:
        verdict = "the maps change with what was learned"
    elif nothing.low > ALIKE:
        verdict = "the maps show the faces rather than what was learned"
    else:
        verdict = "how far the maps show what was learned is left open"
    first, *_ = randomisation.spearman.values()
    return (
        f"With initial weights in its last layer, the {model}'s maps of "
        f"{counted(randomisation.faces, 'test face')} correlate by {coefficient(first)} with those "
        "of the trained network (Spearman, pixel by pixel); with initial weights in all "
        f"{len(randomisation.spearman)} layers, by {coefficient(nothing.value)} (95% interval "
        f"{coefficient(nothing.low)} to {coefficient(nothing.high)}): {verdict}."
    )


def methods(found: Saliency) -> str:
    """How the other kinds of maps do in the same test."""
    names = {
        "gradient": "the plain gradient",
        "loss": "the gradient of the loss",
        "integrated": "integrated gradients",
    }
    differences = found.deletion.difference
    told = [f"{name} {_spread(differences[key])}" for key, name in names.items()]
    return f"By the other maps: {'; '.join(told)}."


def _spread(found: Interval, sign: int = 1) -> str:
    low, high = sorted((sign * found.low, sign * found.high))
    return f"{sign * found.value:.3f} (95% interval {low:.3f} to {high:.3f})"
