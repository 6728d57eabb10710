"""What the stage `ingest` finds, as `report.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.ingest.quality import Quality


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
    """

    files: dict[str, str]
    labelled: Quality
    unlabelled: Quality
    shared: int
    regions: list[str]
    dropped: int


def read() -> Ingested:
    """The results that the stage wrote.

    Raises:
        UserError: they are missing or broken.
    """
    return read_json(Ingested, layout.folder("ingest") / "report.json")
