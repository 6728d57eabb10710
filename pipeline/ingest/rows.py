"""Checks the texts of a faces file's columns and makes faces of the rows that hold."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from pipeline.errors import UserError
from pipeline.faces.batch import UNLABELLED, USAGES, Batch, Fault, shown
from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.ingest.pixels import parse_pixels

OPEN_QUOTE = "a quote stays open at the end of the line; expected each row on one line"

_LABELS = {str(label).encode(): label for label in range(len(EXPRESSIONS))}
_USAGES = {usage.encode(): usage for usage in USAGES}

_Value = TypeVar("_Value")


class RowChecker:
    """Makes batches of one file's columns, front to back; remembers the ids it has seen.

    Args:
        file: its name, for the faults.
        keep_text: whether a fault keeps its row's columns, joined by commas.
    """

    def __init__(self, file: str, keep_text: bool) -> None:
        self._file = file
        self._keep_text = keep_text
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
        labels = _read(columns.get("label"), _read_label, UNLABELLED, count, reasons)
        usage = _read(columns.get("Usage"), _read_usage, None, count, reasons)
        # Without ids of its own a file counts as numbered from 0, as the coursework's is.
        ids = _read(columns.get("id"), self._read_id, None, count, reasons)
        pixels, faults = parse_pixels(columns["feature"])
        for index, reason in faults.items():
            if b"\n" in columns["feature"][index]:
                raise UserError(str(Fault(self._file, numbers[index], OPEN_QUOTE)))
            reasons.setdefault(index, f"feature: {reason}")

        found = [
            Fault(self._file, numbers[index], reason, self._text(columns, index))
            for index, reason in reasons.items()
        ]
        kept = [index for index in range(count) if index not in reasons]
        rows = np.array([numbers[index] for index in kept], np.int64)
        return Batch(
            pixels=(pixels[kept] if reasons else pixels).reshape(-1, SIDE, SIDE),
            labels=np.array([labels[index] for index in kept], np.int8),
            usage=[usage[index] for index in kept],
            rows=rows,
            ids=np.array([ids[index] for index in kept], np.int64) if "id" in columns else rows - 1,
            names=[None] * len(kept),
            faults=sorted([*found, *misfits]),
        )

    def _text(self, columns: dict[str, list[bytes]], index: int) -> str:
        if not self._keep_text:
            return ""
        return b",".join(texts[index] for texts in columns.values()).decode("utf-8", "replace")

    def _read_id(self, text: bytes) -> int:
        if not text.isdigit() or len(text) > 18:
            raise ValueError(f"id: {shown(text)}; expected a whole number")
        value = int(text)
        if value in self._ids:
            raise ValueError(f"id: {value} stands in an earlier row, too; expected each id once")
        self._ids.add(value)
        return value


def _read_label(text: bytes) -> int:
    if text not in _LABELS:
        raise ValueError(f"label: {shown(text)}; expected a whole number 0 to {len(_LABELS) - 1}")
    return _LABELS[text]


def _read_usage(text: bytes) -> str:
    if text not in _USAGES:
        raise ValueError(f"Usage: {shown(text)}; expected {', '.join(USAGES)}")
    return _USAGES[text]


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
