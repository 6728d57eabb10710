"""Split the labelled faces into training, validation and test faces."""

from contextlib import suppress

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import UserError
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.params import Split
from pipeline.split.official import draw_kinds, official_parts

PARTS = ("train", "validation", "test")
"""Networks are fitted to `train`, choices made on `validation`, and all scores are of `test`."""


def split_faces(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """The part of each face, (N,).

    Args:
        table: one row a face, with columns `label`, `photograph` (equal where faces
            are copies) and, for `usage`, `usage`.
        settings: method, shares and seed.

    Raises:
        UserError: the method does not suit these faces.
    """
    kinds = table["photograph"].nunique()
    if kinds < len(PARTS):
        raise UserError(
            f"split: {len(table)} labelled faces, {kinds} of them different, are too few for "
            f"{', '.join(PARTS)}: data.source needs {len(PARTS)} different ones at least"
        )
    by_method = {
        "stratified": _stratified,
        "shuffled": _shuffled,
        "first_rows": _first_rows,
        "usage": _official,
    }
    parts = by_method[settings.method](table, settings)
    if settings.copies_together and settings.method != "usage":
        parts = _reunite_copies(table, parts)
    parts = _refit(table, parts, settings)
    for part in PARTS:
        if not (parts == part).any():
            raise UserError(
                f"split.method = {settings.method!r} leaves no face for {part}: there are "
                f"{len(table)} faces, {kinds} of them different, split.held_out = "
                f"{settings.held_out}, split.validation = {settings.validation}; 0.5 for both "
                "leaves the most"
            )
    return parts


def _stratified(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """The same mix of expressions in each part; a photograph counts once."""
    from sklearn.model_selection import train_test_split  # slow, and readers need not pay it

    firsts = np.arange(len(table))
    if settings.copies_together:
        firsts = np.flatnonzero(~table["photograph"].duplicated().to_numpy())
    labels = table["label"].to_numpy()[firsts]
    parts = np.full(len(table), "train", dtype="<U10")
    counts = np.bincount(labels, minlength=len(EXPRESSIONS))
    try:
        _, held_out = train_test_split(
            np.arange(len(firsts)),
            test_size=settings.held_out,
            stratify=labels,
            random_state=settings.seed,
        )
        validation, test = train_test_split(
            held_out,
            train_size=settings.validation,
            stratify=labels[held_out],
            random_state=settings.seed,
        )
    except ValueError:
        rare = int(np.argmin(np.where(counts, counts, counts.max() + 1)))
        raise UserError(
            f"split.method = 'stratified': {len(firsts)} different faces, of which the fewest are "
            f"{EXPRESSIONS[rare]} ({counts[rare]}), with split.held_out = {settings.held_out} and "
            f"split.validation = {settings.validation} are too few for each expression to be in "
            f"each of {', '.join(PARTS)}; use split.method: shuffled"
        ) from None
    parts[firsts[validation]], parts[firsts[test]] = "validation", "test"
    return parts


def _shuffled(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """The last share after a shuffle is held out."""
    parts = np.empty(len(table), dtype="<U10")
    order = np.random.default_rng(settings.seed).permutation(len(table))
    parts[order] = _first_rows(table, settings)
    return parts


def _first_rows(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """The first rows train, the others are held out in the order of the file."""
    held_out = round(settings.held_out * len(table))
    validation = round(settings.validation * held_out)
    sizes = (len(table) - held_out, validation, held_out - validation)
    return np.repeat(np.array(PARTS, dtype="<U10"), sizes)


def _official(table: pd.DataFrame, settings: Split) -> NDArray[np.str_]:
    """As the source has it."""
    try:
        return official_parts(table, settings)
    except UserError as error:
        advised = "stratified"
        try:
            _stratified(table, settings)
        except UserError:
            advised = "shuffled"
        raise UserError(f"{error}, or use split.method: {advised}") from None


def _reunite_copies(table: pd.DataFrame, parts: NDArray[np.str_]) -> NDArray[np.str_]:
    """Give every copy the part of the first of its kind, so that no test face was trained on."""
    _, first, group = np.unique(table["photograph"], return_index=True, return_inverse=True)
    return parts[first[group]]


def _refit(table: pd.DataFrame, parts: NDArray[np.str_], settings: Split) -> NDArray[np.str_]:
    """Let a share of the validation faces train after all (to refit on training and validation).

    Once everything is chosen they have done their work, and more faces make a better network. Test
    faces stay what they are, so figures with and without are of the same faces. The share is that
    of each expression, rounded down; copies follow the first of their kind.
    """
    table = table.reset_index(drop=True)
    # What goes together: all copies of a face, or each face by itself.
    kind = table["photograph"] if settings.copies_together else table.index.to_series()
    on_validation = parts == "validation"
    # `usage` may have parted copies: none of a test face may train.
    free = on_validation & ~kind.isin(kind[parts == "test"])
    kinds, place, size = draw_kinds(table[free], kind, settings.seed)
    refit = kinds[place <= settings.refit_fraction * size]
    return np.where(on_validation & kind.isin(refit), "train", parts)


def count_leaks(photographs: NDArray[np.int64], parts: NDArray[np.str_]) -> int:
    """Validation and test faces of which a copy is in another part; should be 0."""
    copies = pd.DataFrame({"photograph": photographs, "part": parts})
    spread = copies.groupby("photograph")["part"].transform("nunique") > 1
    return int((spread & (copies["part"] != "train")).sum())


def count_leaks_by_near_copies(table: pd.DataFrame, settings: Split) -> int:
    """How many there would be if the split knew exact copies alone, by the column `md5`.

    0 where it could not be made so: near-copies may be all the faces of a rare expression.
    """
    exact = table.assign(photograph=pd.factorize(table["md5"])[0])
    with suppress(UserError):
        return count_leaks(table["photograph"].to_numpy(), split_faces(exact, settings))
    return 0
