"""What the stage `photographs` finds, as `photographs.json` holds it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Interval


@dataclass(frozen=True)
class Copies:
    """Near-copies: faces of one photograph that differ in some pixel.

    Attributes:
        photographs: labelled ones that are there in two or more versions.
        faces: labelled faces that show these, exact copies included.
        near_copies: versions beyond the first of each.
        shared: unlabelled faces with a near-copy, and no exact copy, among the labelled ones.
    """

    photographs: int
    faces: int
    near_copies: int
    shared: int


@dataclass(frozen=True)
class Agreement:
    """How far labels of one photograph agree.

    Attributes:
        photographs: with two or more labels.
        agree: probability that two labels of one are the same; mean over them.
        ceiling: the greatest accuracy on such labels that any network can have.
    """

    photographs: int
    agree: Interval
    ceiling: Interval


@dataclass(frozen=True)
class PhotographsResult:
    """Copies, and by `near_copies` and `exact_copies` what their labels say, if they are enough."""

    copies: Copies
    agreement: dict[str, Agreement]


read: Callable[[], PhotographsResult] = partial(
    read_json, PhotographsResult, layout.folder("photographs") / "photographs.json"
)
