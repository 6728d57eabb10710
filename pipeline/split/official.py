"""The parts that a source names itself: FER2013's Usage, or folders such as train and test."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import UserError
from pipeline.params import Split

PART_OF = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
"""FER2013's own parts, and what they are for."""


def official_parts(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """The part of each face as the source has it, (N,).

    Where it has two, what is not trained on gives the figures, and `settings.validation` of the
    training faces, by expression and without copies of a test face, are chosen by.

    Raises:
        UserError: a face has no part, there are fewer than two, or none of two can choose.
    """
    usage = table["usage"]
    sizes = part_sizes(table)
    missing = len(table) - sum(sizes.values())
    if missing == len(table):
        raise UserError(
            f"split.method = 'usage': none of {len(table)} faces has a part; give the file a "
            f"column Usage or the folder subfolders train, validation and test"
        )
    if missing:
        raise UserError(
            f"split.method = 'usage': {missing} of {len(table)} faces have no part, and "
            f"{_counted(sizes)}; put them into train, validation or test"
        )
    if "Training" not in sizes or len(sizes) == 1:
        raise UserError(
            f"split.method = 'usage': there are faces of {_counted(sizes)} alone; it needs "
            f"Training and one of PublicTest and PrivateTest; add a folder test to pictures, or "
            f"rows of that Usage to a CSV file"
        )
    parts = usage.map(PART_OF).to_numpy().astype("<U10")
    if len(sizes) == 3:
        return parts
    parts = np.where(parts == "train", parts, "test")
    return _take_validation(table.reset_index(drop=True), parts, settings)


def part_sizes(table: pd.DataFrame) -> dict[str, int]:
    """Faces of each part that the source names, in FER2013's order."""
    counts = table["usage"].value_counts()
    return {usage: int(counts[usage]) for usage in PART_OF if usage in counts}


def _take_validation(
    table: pd.DataFrame, parts: NDArray[np.str_], settings: Split
) -> NDArray[np.str_]:
    # Where every training face has a near-copy in the test, exact copies alone are kept out.
    for column in ("photograph", "md5"):
        if column not in table:
            continue
        kind = table[column]
        free = (parts == "train") & ~kind.isin(kind[parts == "test"])
        kinds, place, size = draw_kinds(table[free], kind, settings.seed)
        # At least one of each expression where there are two, and never all.
        wanted = np.minimum(size - 1, np.maximum(1, np.round(settings.validation * size)))
        chosen = kinds[place <= wanted]
        if len(chosen):
            return np.where((parts == "train") & kind.isin(chosen), "validation", parts)
    raise UserError(
        f"split.method = 'usage': none of {(parts == 'train').sum()} training faces can be for "
        "validation: no expression has two that are different and not copies of test faces; add a "
        "part for it"
    )


def draw_kinds(
    faces: pd.DataFrame, kind: "pd.Series[Any]", seed: int
) -> "tuple[pd.Series[Any], pd.Series[int], pd.Series[int]]":
    """The kinds of some faces in random order, each once.

    Args:
        faces: to draw from.
        kind: of every face; copies have the same.
        seed: of the order.

    Returns:
        Kinds, the place of each among those of its expression, from 1, and how many these are.
    """
    faces = faces.sample(frac=1, random_state=seed)
    firsts = faces[~kind[faces.index].duplicated()]
    of_expression = firsts.groupby("label")["label"]
    return kind[firsts.index], of_expression.cumcount() + 1, of_expression.transform("size")


def _counted(sizes: dict[str, int]) -> str:
    return ", ".join(f"{usage} {size}" for usage, size in sizes.items())
