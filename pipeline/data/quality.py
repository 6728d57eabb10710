"""What a table of faces says about the data: classes, exact copies, images of one grey value."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.data.expressions import EXPRESSIONS, SIDE
from pipeline.data.store import digest


@dataclass(frozen=True)
class Quality:
    """Counts over one store."""

    faces: int
    classes: dict[str, int]
    """Faces of each expression, in the order of the labels; faces without a label count nowhere."""
    groups: int
    """Sets of two or more faces whose pixels are all the same."""
    copies: int
    """Faces beyond the first of each such set."""
    disagreeing: int
    """Such sets that hold more than one label."""
    constant: int
    """Faces that are one grey value all over; copies of one another count each."""


def assess(table: pd.DataFrame) -> Quality:
    """Count what there is in a store's table (columns `label` and `md5`)."""
    sizes = table["md5"].value_counts()
    labels = table.groupby("md5")["label"].nunique()
    return Quality(
        faces=len(table),
        classes={name: int((table["label"] == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        groups=int((sizes > 1).sum()),
        copies=int(len(table) - len(sizes)),
        disagreeing=int((labels > 1).sum()),
        constant=int(table["md5"].isin(_constant_digests()).sum()),
    )


def count_shared(faces: pd.DataFrame, others: pd.DataFrame) -> int:
    """Count the faces of the first table whose very pixels also stand in the second."""
    known = set(others["md5"])
    return sum(md5 in known for md5 in faces["md5"])


def _constant_digests() -> list[str]:
    """The sums of all 256 such images: no pixel has to be looked at again."""
    return [digest(np.full((SIDE, SIDE), grey, np.uint8)) for grey in range(256)]
