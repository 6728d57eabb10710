"""What an interval or a test allows to be said."""

from pipeline.statistics.intervals import Interval
from pipeline.statistics.trainings import Difference, TrainingsDifference
from pipeline.wording.numbers import points_range, probability

LEVEL = 0.05
"""Above this p the exact test does not confirm a difference; it belongs to 95% intervals."""


def excludes_zero(interval: Interval) -> bool:
    """Whether both ends of an interval lie on the same side of 0."""
    return interval.low > 0 or interval.high < 0


def verdict(interval: Interval, *, above: str, below: str, neither: str, than: float = 0.0) -> str:
    """What is said of a figure that is shown to lie above a number, below it, or neither."""
    if interval.low > than:
        return above
    return below if interval.high < than else neither


def around_zero(difference: Interval) -> str:
    """The interval of a difference of shares, and whether it leaves a doubt that there is one."""
    verb = "excludes" if excludes_zero(difference) else "includes"
    return f"95% interval {points_range(difference)}, which {verb} 0"


def evidence(difference: Difference) -> str:
    """In brackets, what a difference of accuracies rests on: its interval and the exact test."""
    return f"({around_zero(difference.accuracy)}; McNemar {probability(difference.p)})"


def doubt(difference: Difference | TrainingsDifference) -> str:
    """A sentence where the exact test does not confirm the bootstrap, as happens near 0."""
    return " The exact test does not confirm it." if difference.p >= LEVEL else ""


def no_better(accuracy: Interval, majority: float) -> str:
    """What an accuracy is that is not shown to exceed the majority class; else nothing."""
    if accuracy.high < majority:
        return "is worse than"
    return "is not shown to be better than" if accuracy.low <= majority else ""
