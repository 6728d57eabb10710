"""Which faces chose something, and so cannot also say how good the choice is."""

from typing import Literal

from pipeline.params import Fit


def epoch_chosen_on(settings: Fit) -> Literal["validation", "none"]:
    """The faces by which one epoch is preferred to another: none where the last one is kept."""
    return "validation" if settings.keep == "best" or settings.early_stopping else "none"
