"""What a store says about its faces: classes, parts, exact copies, images of one grey value."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.faces.batch import USAGES
from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.faces.store import Faces, face_md5


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


def assess(faces: Faces) -> Quality:
    """Count what there is in a store."""
    labels = faces.table["label"]
    images = labels.groupby(faces.table["md5"], sort=False).agg(["size", "min", "max"])
    return Quality(
        faces=len(faces),
        classes={name: int((labels == i).sum()) for i, name in enumerate(EXPRESSIONS)},
        groups=int((images["size"] > 1).sum()),
        copies=len(faces) - len(images),
        disagreeing=int((images["min"] != images["max"]).sum()),
        constant=int(are_constant(faces).sum()),
    )


def count_shared(faces: Faces, others: Faces) -> int:
    """Count the faces of the first store whose very pixels also stand in the second."""
    return int(faces.table["md5"].isin(others.table["md5"]).sum())


def are_constant(faces: Faces) -> "pd.Series[Any]":
    """Which faces are one grey value all over, by the sums of all 256 such images."""
    greys = (np.full((SIDE, SIDE), grey, np.uint8) for grey in range(256))
    return faces.table["md5"].isin([face_md5(face) for face in greys])


def count_parts(faces: Faces) -> dict[str, dict[str, int]]:
    """Faces by FER2013's part and expression; nothing where no face has a part."""
    usage = faces.table["usage"].fillna("")
    sizes = faces.table.groupby([usage, "label"]).size()
    named = [part for part in (*USAGES, "") if part in sizes]
    return {
        part or "no part": {
            name: int(sizes.get((part, label), 0)) for label, name in enumerate(EXPRESSIONS)
        }
        for part in (named if named != [""] else [])
    }
