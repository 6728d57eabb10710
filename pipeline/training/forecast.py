"""How long a training will take: said as soon as it can be known, and again when that was wrong."""

import time
from collections.abc import Callable

FIRST = 3.0
"""Seconds of training after which it is said first, or after an epoch if that is sooner."""

WRONG = 0.25
"""Share by which the time left must differ from what was said to be said anew."""

SHORT = 5.0
"""Seconds: a difference that nobody notices."""


class Forecast:
    """The end of a training, as its pace lets expect.

    Args:
        tell: gets a line for a person.
        faces: to be trained on, over all epochs that are left.
        clock: seconds.
    """

    def __init__(
        self, tell: Callable[[str], None], faces: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._faces, self._clock = tell, faces, clock
        self._started, self._done = clock(), 0
        self._expected: float | None = None

    def update(self, faces: int, *, epoch_ends: bool = False) -> None:
        """Take in that so many more faces were trained on."""
        self._done += faces
        passed = self._clock() - self._started
        if self._done >= self._faces or not self._done:
            return
        total = passed * self._faces / self._done
        if self._expected is None:
            if passed >= FIRST or epoch_ends:
                self._say(f"about {duration(total)} on this machine", total, passed)
        elif epoch_ends and abs(total - self._expected) > max(WRONG * self._expected, SHORT):
            self._say(f"rather {duration(total)} in all", total, passed)

    def _say(self, text: str, total: float, passed: float) -> None:
        self._expected = total
        pace = f"{self._done / max(passed, 1e-9):,.0f} faces a second"
        self._tell(f"{text}, {duration(total - passed)} of them left ({pace})")


def duration(seconds: float) -> str:
    """Seconds as a person would say them: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
