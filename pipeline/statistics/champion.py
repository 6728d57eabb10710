"""Which of two trained models is to be used, by their accuracies on the faces that choose."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """How good a model is: accuracy in 0..1, the ends of its 95 % interval, and on which faces.

    The version is what users call it; of a registered model it is empty until MLflow has given it.
    """

    accuracy: float
    low: float
    high: float
    measured_on: str
    version: str = ""

    def __str__(self) -> str:
        shares = f"{self.accuracy:.1%} ({self.low:.1%} to {self.high:.1%})"
        return f"version {self.version}, {shares}"


def judge(candidate: Measured, champion: Measured) -> tuple[bool, str]:
    """Whether a new model takes the place of the champion, and what counts against it.

    On the same faces the higher accuracy wins, among equals the newest. Accuracies on other faces
    do not compare that closely: there a new model wins unless its accuracy lies below the interval
    of the champion.
    """
    same = candidate.measured_on == champion.measured_on
    is_far_below = candidate.accuracy < champion.low
    passes = candidate.accuracy >= champion.accuracy if same else not is_far_below
    found = [] if passes else ["worse beyond its interval" if is_far_below else "not better"]
    return passes, ", ".join(found + ([] if same else ["on other faces"]))


def name_faces(files: Iterable[Path]) -> str:
    """A short name for the faces that these files choose: accuracies on the same faces compare."""
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256(" ".join(sums).encode()).hexdigest()[:16]
