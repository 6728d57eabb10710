"""What an interval or a test allows to be said."""

from pipeline.statistics.intervals import Difference, Interval
from pipeline.statistics.trainings import TrainingsDifference
from pipeline.wording.numbers import excludes_zero, points_range, probability

LEVEL = 0.05
"""Above this p the exact test does not confirm a difference; it belongs to 95% intervals."""


def evidence(difference: Difference) -> str:
    """In brackets, what a difference of accuracies rests on: its interval and the exact test."""
    verb = "excludes" if excludes_zero(difference.accuracy) else "includes"
    return (
        f"(95% interval {points_range(difference.accuracy)}, which {verb} 0; "
        f"McNemar {probability(difference.p)})"
    )


def doubt(difference: Difference | TrainingsDifference) -> str:
    """A sentence where the exact test does not confirm the bootstrap, as happens near 0."""
    return " The exact test does not confirm it." if difference.p >= LEVEL else ""


def no_better(accuracy: Interval, majority: float) -> str:
    """What an accuracy is that is not shown to exceed the majority class; else nothing."""
    if accuracy.high < majority:
        return "is worse than"
    return "is not shown to be better than" if accuracy.low <= majority else ""
