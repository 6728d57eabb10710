"""What saliency maps are worth, in words."""

from pipeline.saliency.result import SaliencyResult
from pipeline.statistics.intervals import Interval
from pipeline.wording.evidence import verdict
from pipeline.wording.numbers import counted, decimal, percent, points_range, signed


def on_features(model: str, found: SaliencyResult) -> str:
    """How much saliency falls on the features that make an expression."""
    shares = (found.share_on_features, found.area_of_features, found.share_untrained)
    on_them, area, untrained = (percent(share or 0) for share in shares)
    lift, learned = found.lift, found.learned
    if lift is None or learned is None:
        return (
            "How much of the saliency falls on brows, eyes and mouth is not measured: where they "
            "are is not known for these faces."
        )
    expected = verdict(
        lift, than=1, above="more than expected by chance", below="less than expected by chance",
        neither="not shown to differ from chance",
    )  # fmt: skip
    size = decimal(100 * abs(learned.value), 1)
    change = f"it by {size} percentage points (95% interval {points_range(learned)})"
    trained = verdict(learned, above=f"raises {change}", below=f"lowers {change}",
                      neither="is not shown to change that")  # fmt: skip
    return (
        f"Over {counted(found.faces_measured, 'test face')}, {on_them} of the {model}'s saliency "
        f"falls on brows, eyes and mouth, which cover {area} of the picture. Per face that is "
        f"{lift.value:.2f} times their share of the area (95% interval {lift.low:.2f} to "
        f"{lift.high:.2f}): {expected}. With random weights it is {untrained}: training {trained}. "
        "The weights were drawn once, and the interval does not cover their chance."
    )


def deleted(model: str, found: SaliencyResult) -> str:
    """Whether the bright pixels of the maps matter to the answer."""
    smoothgrad = found.deletion.difference["smoothgrad"]
    matter = verdict(
        smoothgrad, above="matter more than", below="matter less than",
        neither="are not shown to matter more than",
    )  # fmt: skip
    return (
        f"Over {counted(found.faces_measured, 'test face')} the {model}'s mean probability of its "
        f"answer while pixels are deleted at random is {found.deletion.area_random:.3f}. Deleting "
        f"the brightest pixels of the SmoothGrad map first changes it by {_change(smoothgrad)}: "
        f"the bright pixels {matter} pixels at random."
    )


def methods(found: SaliencyResult) -> str:
    """How the other kinds of maps do in the same test."""
    names = {
        "gradient": "for the plain gradient",
        "loss": "for the gradient of the loss (of the label, which need not be the answer)",
        "integrated": "for integrated gradients",
    }
    changes = [f"{_change(found.deletion.difference[key])} {name}" for key, name in names.items()]
    return f"With the other maps it changes by {'; '.join(changes)}."


def opponents(found: SaliencyResult) -> str:
    """Whether a face's own map knows more than an order that is the same for all faces."""
    orders = {
        "mean_map": "In one order for all faces, by their mean map,",
        "centre": "From the centre outward",
    }
    sentences = []
    for key, order in orders.items():
        gain = found.deletion.opponents[key]
        knows = verdict(
            gain, above="knows more", below="knows less", neither="is not shown to know more"
        )
        sentences.append(
            f"{order} {signed(gain.value, 3)} more is left than by the face's own map (95% "
            f"interval {signed(gain.low, 3)} to {signed(gain.high, 3)}): that map {knows}."
        )
    return " ".join(sentences)


def randomised(model: str, found: SaliencyResult) -> str:
    """Whether the maps show what the network has learned, or the face alone.

    Maps of other faces are the measure: what they share with a map is a matter of where faces have
    edges at all, and says nothing about the face or about what was learned.
    """
    randomisation = found.randomisation
    nothing, excess = randomisation.all, randomisation.excess
    only_common = (
        "beyond what maps of all faces have in common, nothing in them is shown to come from the "
        "faces and not from what was learned"
    )
    shown = verdict(
        excess, below=only_common, neither=only_common,
        above="a part of the maps comes from the faces and not from what was learned",
    )  # fmt: skip
    first, *_ = randomisation.spearman.values()
    return (
        f"With random weights in its last layer, the {model}'s maps of "
        f"{counted(randomisation.faces, 'test face')} correlate by {signed(first, 2)} with those "
        "of the trained network (Spearman, pixel by pixel); with random weights in all "
        f"{len(randomisation.spearman)} layers, by {signed(nothing.value, 2)} (95% interval "
        f"{signed(nothing.low, 2)} to {signed(nothing.high, 2)}). With such maps of other "
        f"faces they correlate by {signed(randomisation.others, 2)}; the difference is "
        f"{signed(excess.value, 2)} (95% interval {signed(excess.low, 2)} to "
        f"{signed(excess.high, 2)}): {shown}."
    )


def _change(less: Interval) -> str:
    """By how much a probability changes; the interval is of how much lower it is."""
    value, low, high = (signed(-each, 3) for each in (less.value, less.high, less.low))
    return f"{value} (95% interval {low} to {high})"
