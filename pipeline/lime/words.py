"""What LIME found, in words: how far its linear models can be trusted, and how stable they are."""

from math import comb
from statistics import mean

from pipeline.lime.result import LimeResult
from pipeline.wording.numbers import decimal

_HALF = 0.5
"""A linear model that explains less of the variance than this leaves most of it unexplained; of two
choices that overlap by less, most of what either has is not in both."""


def trust(model: str, found: LimeResult) -> str:
    """How much of the network's changes the linear models explain, and where that is little."""
    known = [(face.r2, name) for name, face in found.faces.items() if face.r2 is not None]
    if found.mean.r2 is None:
        return f"The {model} gives the same answer whichever segments are hidden."
    (low, lowest), (high, highest) = min(known), max(known)
    text = f"R² of the {model}’s linear models is {decimal(found.mean.r2)} on average"  # noqa: RUF001
    if lowest != highest:
        text += f", from {decimal(low)} ({lowest}) to {decimal(high)} ({highest})"
    if weak := ", ".join(name for r2, name in known if r2 < _HALF):
        text += f". For {weak} the weights describe less than half of what the network does"
    return f"{text}."


def stability(model: str, found: LimeResult) -> str:
    """Whether other random samples mark the same segments; empty where none is marked."""
    if found.mean.overlap is None:
        return ""
    text = (
        f"With another random seed, the marked segments of the {model} overlap by "
        f"{found.mean.overlap:.2f} on average (by chance {by_chance(found):.2f})"
    )
    if found.mean.correlation is not None:
        text += f"; all weights correlate by {decimal(found.mean.correlation)}"
    if found.mean.overlap < _HALF:
        text += (
            ". Below 0.5 the seeds mark more segments differently than alike; "
            "with more copies they agree better"
        )
    return f"{text}."


def by_chance(found: LimeResult) -> float:
    """Mean overlap that two random choices of as many segments would have."""
    return mean(_chance(face.segments, found.marked) for face in found.faces.values())


def _chance(segments: int, marked: int) -> float:
    """Expected Jaccard index of two random choices: k in common has a hypergeometric law."""
    marked = min(marked, segments)
    return sum(
        comb(marked, k) * comb(segments - marked, marked - k) * k / (2 * marked - k)
        for k in range(marked + 1)
    ) / comb(segments, marked)
