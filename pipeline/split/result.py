"""What the stage `split` finds, as `metrics.json` holds it under `split`."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json


@dataclass(frozen=True)
class Parts:
    """Faces in each part, and held-out ones with a copy, exact or near, in another part.

    Attributes:
        train: faces.
        validation: faces.
        test: faces.
        copies_across_parts: held-out faces with a copy in another part.
        by_exact_copies_alone: what these would be if only exact copies were kept on one side.
    """

    train: int
    validation: int
    test: int
    copies_across_parts: int
    by_exact_copies_alone: int


def read() -> Parts:
    """The result that the stage wrote."""
    return read_json(dict[str, Parts], layout.metrics("split"))["split"]
