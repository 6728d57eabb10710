"""What the stage `split` finds, as `metrics.json` holds it under `split`."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json


@dataclass(frozen=True)
class Parts:
    """Faces in each part, and held-out faces with an exact copy in another part."""

    train: int
    validation: int
    test: int
    copies_across_parts: int


def read() -> Parts:
    """The result that the stage wrote."""
    return read_json(dict[str, Parts], layout.metrics("split"))["split"]
