"""Faces from a CSV file: one row a face, its pixels as 2,304 numbers in one column.

Columns are found by name: `label` or `emotion`, `feature` or `pixels`, `id`, `Usage`; others are
passed over. pyarrow takes the rows apart, `pipeline.ingest.rows` makes faces of them.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as arrow_csv

from pipeline.errors import UserError
from pipeline.faces.batch import Batch, Fault, shown
from pipeline.ingest import advice
from pipeline.ingest.labels import Labels
from pipeline.ingest.rows import OPEN_QUOTE, RowChecker, Rows

_STANDARD = {
    "label": "label",
    "emotion": "label",
    "feature": "feature",
    "pixels": "feature",
    "id": "id",
    "usage": "Usage",
}
"""Every name a column may have, in small letters, and the one it goes by from here on."""

_BLOCK = 1 << 20
"""Bytes of text a batch; pyarrow reads up to 32 of them ahead."""

_HEADER = 1 << 16
"""Bytes that the first line has not."""


def read_csv(file: BinaryIO, name: str, labels: Labels | None, rows: Rows) -> Iterator[Batch]:
    """Read a file of faces in batches of about a hundred.

    Args:
        file: the bytes of a CSV file, unpacked.
        name: its name, for what is wrong with it.
        labels: what reads the labels; None for faces without any, where a label column is passed
            over.
        rows: what else is known of the rows.

    Raises:
        UserError: the file cannot be read, is not a CSV file with the columns needed, has no rows
            where labelled faces are wanted, or other rows than the votes. A row that is no face is
            no error here: it is among a batch's faults.
    """
    columns = _standard(read_header(file, name), name, labels is not None)
    numbers = _RowNumbers(name, rows.keep_text)
    try:
        yield from _read_rows(file, columns, numbers, RowChecker(name, labels, rows))
    except pa.ArrowInvalid as error:
        # "Empty CSV" means that nothing follows the header.
        if "Empty CSV" not in str(error):
            raise _explain(error, numbers) from None
    if numbers.last == 0 and labels is not None:
        raise UserError(f"{name}: has a header and no rows; expected one row a face")
    if rows.votes:
        rows.votes.check_count(name, numbers.last)


def _explain(error: pa.ArrowInvalid, numbers: "_RowNumbers") -> UserError:
    """Say which line pyarrow could not take apart, and why."""
    numbers.take(0)  # rows put aside just before it
    reason = " ".join(str(error).split())
    if "straddl" in reason:
        reason = f"a line of more than {_BLOCK:,} bytes; expected one face, about 9,000 bytes"
    return UserError(f"{numbers.file}: row {numbers.last + 1}: {reason}")


def read_header(file: BinaryIO, name: str) -> list[str]:
    """Take the first line that is not blank, and give the names of the columns.

    Raises:
        UserError: there is none, or it is no header.
    """
    line = b"\n"
    while line and not line.strip():
        line = file.readline(_HEADER)
    line = re.sub(rb"\A([ \t\v\f]*\r)+", b"", line)  # blank lines, as old Macs end them
    if not line:
        raise UserError(f"{name}: is empty; expected a CSV file with a header")
    if len(line) == _HEADER:
        raise UserError(
            f"{name}: begins with a line of {_HEADER:,} bytes or more: {shown(line)}; expected a "
            "header, such as 'label,feature'"
        )
    try:
        text = line.decode("utf-8-sig").strip()
        found = next(csv.reader([text], strict=True, skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error):
        raise UserError(
            f"{name}: the header is not CSV in UTF-8: {shown(line.strip(), 60)}; expected a line "
            "such as 'label,feature'"
        ) from None
    return [column.strip() for column in found]


def _standard(found: list[str], name: str, labelled: bool) -> list[str]:
    """Give each column its standard name, or an empty one."""
    columns = [_STANDARD.get(column.lower(), "") for column in found]
    wanted = {"feature": "'feature' or 'pixels'", "label": "'label' or 'emotion'"}
    if not labelled:
        del wanted["label"]
        columns = ["" if column == "label" else column for column in columns]
    twice = {column for column in columns if column and columns.count(column) > 1}
    if twice or not wanted.keys() <= set(columns):
        raise UserError(
            f"{name}: columns {shown(','.join(found).encode(), 60)}; expected one "
            f"{' and one '.join(wanted.values())}, separated by commas: "
            f"{advice.for_header(found)}"
        )
    return columns


def _read_rows(
    file: BinaryIO, columns: list[str], numbers: "_RowNumbers", checker: RowChecker
) -> Iterator[Batch]:
    names = [column or f"other {place}" for place, column in enumerate(columns)]
    text = _Ascii(file)
    reader = arrow_csv.open_csv(
        pa.PythonFile(text, mode="r"),
        # One thread: with more, pyarrow does not know the number of a row that it puts aside.
        arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=names),
        arrow_csv.ParseOptions(invalid_row_handler=numbers.put_aside),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary())),
    )
    try:
        for records in reader:
            texts = [column.to_pylist() for column in records.columns]
            yield checker.check(dict(zip(names, texts, strict=True)), *numbers.take(len(records)))
    finally:
        # pyarrow reads ahead in a thread: one that still does as Python ends would abort it.
        text.end()
        with suppress(pa.ArrowInvalid):
            deque(reader, maxlen=0)
        reader.close()
    rows, misfits = numbers.take(0)
    if misfits:
        yield checker.check({name: [] for name in names}, rows, misfits)


class _Ascii:
    """Turns every byte beyond ASCII into `?`: pyarrow puts no row aside that is not UTF-8."""

    closed = False
    _TABLE = bytes(range(128)) + b"?" * 128

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._has_ended = False

    def read(self, size: int) -> bytes:
        data = b"" if self._has_ended else self._file.read(size)
        return data if data.isascii() else data.translate(self._TABLE)

    def end(self) -> None:
        """Have nothing more to read, wherever the file is."""
        self._has_ended = True

    def close(self) -> None:
        """Leave closing to whoever opened the file."""


class _RowNumbers:
    """Numbers a file's rows, counting those that pyarrow puts aside for their column count."""

    def __init__(self, file: str, keep_text: bool) -> None:
        self.file = file
        self.keep_text = keep_text
        self.last = 0
        """The number given out last."""
        self._misfits: deque[Fault] = deque()

    def put_aside(self, row: Any) -> str:
        """Note a row with too many or too few columns; pyarrow's `invalid_row_handler`."""
        reason = f"{row.actual_columns} columns; expected {row.expected_columns}"
        if "\n" in row.text:
            reason = OPEN_QUOTE
        # pyarrow may go through a whole file of misfits before the first batch comes out.
        text = row.text if self.keep_text else ""
        self._misfits.append(Fault(self.file, row.number, reason, text))
        return "skip"

    def take(self, count: int) -> tuple[list[int], list[Fault]]:
        """Give the next `count` good rows their numbers, and the rows put aside among them."""
        numbers: list[int] = []
        misfits: list[Fault] = []
        while True:
            if self._misfits and self._misfits[0].row == self.last + 1:
                misfits.append(self._misfits.popleft())
            elif len(numbers) < count:
                numbers.append(self.last + 1)
            else:
                return numbers, misfits
            self.last += 1
            if misfits and misfits[-1].reason == OPEN_QUOTE:
                raise UserError(str(misfits[-1]))
