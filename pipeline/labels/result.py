"""What the stage `labels` finds, as `labels.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Interval


@dataclass(frozen=True)
class SuspectLabels:
    """Labels that are probably wrong.

    Attributes:
        faces: among which they were looked for.
        suspects: how many there are.
        precision: share of them that are wrong, where that is known.
        recall: share of the wrong labels that are among them, likewise.
    """

    faces: int
    suspects: int
    precision: Interval | None = None
    recall: Interval | None = None


@dataclass(frozen=True)
class LabelsResult:
    """Suspects among the faces that taught the network nothing, and among those that taught it."""

    held_out: SuspectLabels
    training: SuspectLabels


def read() -> LabelsResult:
    """The results that the stage wrote."""
    return read_json(LabelsResult, layout.folder("labels") / "labels.json")
