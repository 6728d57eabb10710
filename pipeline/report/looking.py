"""What saliency maps are worth, in words."""

from pipeline.analysis.intervals import Interval
from pipeline.report.content import Looked
from pipeline.report.numbers import counted, percent


def on_features(model: str, looked: Looked) -> str:
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
        f"Over {counted(looked.faces_measured, 'test face')}, "
        f"{percent(looked.share_on_features)} of the {model}'s saliency falls on brows, "
        f"eyes and mouth, which cover {percent(looked.area_of_features)} of the picture. Per face "
        f"that is {lift.value:.2f} times what its area alone would give (95% interval "
        f"{lift.low:.2f} to {lift.high:.2f}): {verdict}."
    )


def deleted(model: str, looked: Looked) -> str:
    """Whether the bright pixels of the maps matter to the answer."""
    found = looked.deletion.difference["smoothgrad"]
    if found.low > 0:
        verdict = f"takes {_spread(found)} of it: the bright pixels matter"
    elif found.high < 0:
        verdict = f"leaves {_spread(found, -1)} more: the map points at the wrong pixels"
    else:
        verdict = f"takes {_spread(found)} of it: they are not shown to matter more than others"
    return (
        f"Over {counted(looked.faces_measured, 'test face')} the {model}'s mean probability of its "
        f"answer while pixels are deleted at random is {looked.deletion.area_random:.3f}; deleting "
        f"the brightest pixels of the SmoothGrad map first {verdict}."
    )


def methods(looked: Looked) -> str:
    """How the other kinds of maps do in the same test."""
    names = {
        "gradient": "the plain gradient",
        "loss": "the gradient of the loss",
        "integrated": "integrated gradients",
    }
    differences = looked.deletion.difference
    told = [f"{name} {_spread(differences[key])}" for key, name in names.items()]
    return f"By the other maps: {'; '.join(told)}."


def _spread(found: Interval, sign: int = 1) -> str:
    low, high = sorted((sign * found.low, sign * found.high))
    return f"{sign * found.value:.3f} (95% interval {low:.3f} to {high:.3f})"
