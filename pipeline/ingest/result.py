"""What the stage `ingest` finds, as `ingest.json` holds it."""

from dataclasses import dataclass, field

from pipeline import layout
from pipeline.files import read_json
from pipeline.ingest.quality import Quality


@dataclass(frozen=True)
class ReadAs:
    """How a class was written, and what it was understood as."""

    said: str
    expression: str
    """Empty where it is left out."""
    faces: int


@dataclass(frozen=True)
class PassedOver:
    """Files, or rows of a list, that are not read, all for one reason."""

    reason: str
    count: int
    first: list[str]
    """The first few names."""


@dataclass(frozen=True)
class Ingested:
    """What the data is like.

    Attributes:
        files: MD5 sum of each file, or image folder, by its name.
        labelled: counts over the labelled faces.
        unlabelled: over the others.
        shared: unlabelled faces that are, pixel by pixel, also among the labelled ones.
        regions: names of the regions that are known for the labelled faces.
        dropped: rows that are no faces.
        read: faces of each file, folder or archive, by its name.
        read_as: each class as it is written.
        assumed: numbers that were taken for FER2013's as nothing says otherwise.
        parts: labelled faces by part and expression; empty where no face has a part.
        constant: the first labelled faces that are one grey value all over.
        passed: what is there and was not read.
        notes: what was understood that the source does not say by itself.
    """

    files: dict[str, str]
    labelled: Quality
    unlabelled: Quality
    shared: int
    regions: list[str]
    dropped: int
    read: dict[str, int] = field(default_factory=dict)
    read_as: list[ReadAs] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    passed: list[PassedOver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def headline(self) -> dict[str, int]:
        """The counts by which one set of faces is known from another."""
        return {
            "labelled": self.labelled.faces,
            "unlabelled": self.unlabelled.faces,
            "copies": self.labelled.copies,
            "blank": self.labelled.constant,
            "shared": self.shared,
            "dropped": self.dropped,
        }


def read() -> Ingested:
    """The results that the stage wrote.

    Raises:
        UserError: they are missing or broken.
    """
    return read_json(Ingested, layout.INGESTED)
