"""Checks the texts of a faces file's columns and makes faces of the rows that hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np

from pipeline.errors import UserError
from pipeline.faces.batch import UNLABELLED, USAGES, Batch, Fault, shown
from pipeline.faces.expressions import SIDE
from pipeline.ingest.labels import LEFT_OUT, Labels, whole
from pipeline.ingest.parts import part_of
from pipeline.ingest.pixels import parse_pixels
from pipeline.ingest.votes import Votes

OPEN_QUOTE = "a quote stays open at the end of the line; expected each row on one line"

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Rows:
    """What is known of a file's rows beside its columns."""

    keep_text: bool = False
    """Whether a fault keeps its row's text, bytes beyond ASCII as `?`. In a file without one good
    row that is all of the text at once."""
    usage: str | None = None
    """FER2013's part of all of them, where there is no column for it."""
    votes: Votes | None = None
    """FER+'s, in place of the column's classes."""


class RowChecker:
    """Makes batches of one file's columns, front to back; remembers the ids it has seen.

    `labels` reads the classes, and counts them; None where there are none.
    """

    def __init__(self, file: str, labels: Labels | None, rows: Rows) -> None:
        self._file = file
        self._labels = labels
        self._rows = rows
        self._ids: set[int] = set()

    def check(
        self, columns: dict[str, list[bytes]], numbers: Sequence[int], misfits: Sequence[Fault]
    ) -> Batch:
        """Turn rows into faces and faults.

        Args:
            columns: the rows' texts, in the file's order, under `feature` and, where the file has
                them, `label`, `id` and `Usage`; others are only kept with a fault.
            numbers: each row's number in the file, from 1.
            misfits: faults known already, of rows that are not among the columns.

        Raises:
            UserError: an open quote has swallowed the following rows, so that no row number
                after it can be trusted.
        """
        count = len(numbers)
        reasons: dict[int, str] = {}
        said = self._said(columns.get("label"), numbers)
        labels = self._read_labels(said, reasons) if said else [UNLABELLED] * count
        unknown = list(reasons)
        usage = _read(columns.get("Usage"), _read_usage, self._rows.usage, count, reasons)
        # Without ids of its own a file counts as numbered from 0, as the coursework's is.
        ids = _read(columns.get("id"), self._read_id, None, count, reasons)
        pixels, faults = parse_pixels(columns["feature"])
        for index, reason in faults.items():
            if b"\n" in columns["feature"][index]:
                raise UserError(str(Fault(self._file, numbers[index], OPEN_QUOTE)))
            reasons.setdefault(index, f"feature: {reason}")

        for index in [i for i in reasons if labels[i] == LEFT_OUT]:
            del reasons[index]  # of a face that nobody wants
        found = [
            Fault(self._file, numbers[index], reason, self._text(columns, index))
            for index, reason in reasons.items()
        ]
        kept = [i for i in range(count) if i not in reasons and labels[i] != LEFT_OUT]
        if self._labels is not None and said:
            good = [each for i, each in enumerate(said) if i not in reasons] if reasons else said
            self._labels.kept.update(good)
            self._labels.unknown.update(said[i] for i in unknown if i not in faults)
        rows = np.array([numbers[index] for index in kept], np.int64)
        if votes := self._rows.votes:
            for misfit in misfits:
                votes.of_row(self._file, misfit.row)  # one too many is no matter of mending it
            votes.check_parts(self._file, rows.tolist(), [usage[i] for i in kept])
        return Batch(
            pixels=(pixels[kept] if len(kept) < count else pixels).reshape(-1, SIDE, SIDE),
            labels=np.array([labels[index] for index in kept], np.int8),
            usage=[usage[index] for index in kept],
            rows=rows,
            ids=np.array([ids[index] for index in kept], np.int64) if "id" in columns else rows - 1,
            names=[None] * len(kept),
            faults=sorted([*found, *misfits]),
            left_out=count - len(reasons) - len(kept),
        )

    def _said(self, column: Sequence[bytes] | None, numbers: Sequence[int]) -> list[str] | None:
        """The class of each row as it is written; None where there are none."""
        votes = self._rows.votes
        if self._labels is None or (votes is None and column is None):
            return None
        if votes is not None:
            return [votes.of_row(self._file, number) for number in numbers]
        return [whole(text[:80].strip().decode("ascii", "replace")) for text in column or ()]

    def _read_labels(self, said: Sequence[str], reasons: dict[int, str]) -> list[int]:
        """A label a row; what is wrong with one goes into `reasons`."""
        assert self._labels is not None  # noqa: S101 (there are classes to read)
        self._labels.seen.update(said)  # all of them, before one is judged
        labels = [self._labels.label(each) for each in said]
        for index, label in enumerate(labels):
            if label is None:
                found = shown(said[index].encode())
                reasons[index] = f"label: {found}; {self._labels.expected()}"
        return [UNLABELLED if label is None else label for label in labels]

    def _text(self, columns: dict[str, list[bytes]], index: int) -> str:
        if not self._rows.keep_text:
            return ""
        return b",".join(texts[index] for texts in columns.values()).decode("utf-8", "replace")

    def _read_id(self, text: bytes) -> int:
        if not text.isdigit() or len(text) > 18:
            raise ValueError(f"id: {shown(text)}; expected a whole number")
        value = int(text)
        if value in self._ids:
            raise ValueError(f"id: {value} is in an earlier row, too; expected each id once")
        self._ids.add(value)
        return value


@cache
def _read_usage(text: bytes) -> str:
    part = part_of(text.decode("ascii", "replace"))
    if part is None:
        names = ", ".join(USAGES)
        raise ValueError(f"Usage: {shown(text)}; expected {names}, or train, validation, test")
    return part


def _read(
    texts: Sequence[bytes] | None,
    read: Callable[[bytes], _Value],
    default: _Value | None,
    count: int,
    reasons: dict[int, str],
) -> list[_Value | None]:
    """Read a column's values; what is wrong with one goes into `reasons` unless one is there."""
    if texts is None:
        return [default] * count
    values: list[_Value | None] = []
    for index, text in enumerate(texts):
        try:
            values.append(read(text.strip()))
        except ValueError as error:
            values.append(default)
            reasons.setdefault(index, str(error))
    return values
