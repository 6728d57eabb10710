"""The learning rate as a pure function of the step, so that a resumed run needs no state for it."""

import math
from typing import Literal

WARM_UP = 0.15
"""Share of a one-cycle training in which the rate rises."""


def learning_rate(
    schedule: Literal["one_cycle", "constant"], peak: float, step: int, steps: int
) -> float:
    """The rate of a step, counted from 0, of so many.

    `one_cycle` rises linearly from a 25th of the peak and falls along a cosine to nearly nothing
    (after Smith & Topin 2017, arXiv:1708.07120).
    """
    if schedule == "constant":
        return peak
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return peak * (1 + 24 * step / rising) / 25
    fall = (step - rising) / max(1, steps - rising)
    return peak * max(1e-3, (1 + math.cos(math.pi * fall)) / 2)
