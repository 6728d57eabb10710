"""Faces as the study keeps them: `pixels.npy` and, row for row, `table.parquet`.

The table has one row a face: `label` (int8, -1 without one), `usage` (FER2013's part, or missing),
`row` (place in the source, from 1), `id` (the source's own, else counted from 0), `name` (path of
an image in its folder, or missing) and `md5` (hexadecimal, of the 2,304 grey values).
"""

import hashlib
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.disk import naming
from pipeline.errors import UserError
from pipeline.faces.batch import Batch
from pipeline.faces.expressions import SIDE

_PIXELS, _TABLE = "pixels.npy", "table.parquet"

_GROUP = 1 << 14
"""Rows of the table that are written at once."""

_SCHEMA = pa.schema(
    {
        "label": pa.int8(),
        "usage": pa.string(),
        "row": pa.int64(),
        "id": pa.int64(),
        "name": pa.string(),
        "md5": pa.string(),
    }
)


@dataclass(frozen=True)
class Faces:
    """The faces of one store, pixels still on disk."""

    pixels: NDArray[np.uint8]
    """Shape (faces, 48, 48), 0 is black; a read-only memory map."""
    table: pd.DataFrame
    """Indexed from 0; columns as above."""

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> NDArray[np.int8]:
        """Shape (faces,); -1 for a face without a label."""
        return self.table["label"].to_numpy(np.int8)


def store_files(folder: Path) -> list[Path]:
    """The files of a store, for whoever wants to know whether it changed."""
    return [folder / _PIXELS, folder / _TABLE]


def read_faces(folder: Path) -> Faces:
    """Open a store.

    Raises:
        UserError: the folder is missing, broken or not a store.
    """
    try:
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
        table = pd.read_parquet(folder / _TABLE)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder}: no readable faces ({error}); run the stage `ingest`") from None
    if pixels.shape != (len(table), SIDE, SIDE):
        raise UserError(
            f"{folder}: {pixels.shape} pixels for {len(table)} rows; run the stage `ingest` again"
        )
    return Faces(pixels, table)


@dataclass(frozen=True)
class Outline:
    """What a report has to know of all faces at once, in 25 bytes a face."""

    labels: NDArray[np.int8]
    """Shape (faces,); -1 for a face without a label."""
    rows: NDArray[np.int64]
    """Shape (faces,); each face's place in its source, from 1."""
    digests: NDArray[np.bytes_]
    """Shape (faces,), 16 bytes each, to be compared as they lie: numpy hands out a single one
    without the zeros at its end."""

    def __len__(self) -> int:
        return len(self.labels)


class FaceWriter:
    """Writes a store batch by batch; of its faces only the outline stays in memory.

    A context manager: the folder appears, or is replaced, when the block ends well, and stays as it
    was when the block ends in an error.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder.with_name(folder.name + ".partial")
        self._outlines: list[Outline] = []
        self._count = 0
        self._waiting: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
        self._closing = ExitStack()
        self._pixels_file: BinaryIO
        self._table_writer: pq.ParquetWriter

    def __enter__(self) -> Self:
        shutil.rmtree(self._partial, ignore_errors=True)
        with naming(self._folder), ExitStack() as closing:
            # Closing writes, too, and fails on a full disk; the folder goes even then.
            closing.callback(shutil.rmtree, self._partial, ignore_errors=True)
            self._partial.mkdir(parents=True)
            self._pixels_file = closing.enter_context((self._partial / _PIXELS).open("wb"))
            self._table_writer = closing.enter_context(
                pq.ParquetWriter(self._partial / _TABLE, _SCHEMA)
            )
            self._write_header()
            self._closing = closing.pop_all()
        return self

    def append(self, batch: Batch) -> None:
        """Add a batch's faces after those that are there."""
        digests = [digest(face) for face in batch.pixels]
        self._outlines.append(Outline(batch.labels, batch.rows, np.array(digests, "S16")))
        self._count += len(batch)
        columns = {
            "label": batch.labels.tolist(),
            "usage": batch.usage,
            "row": batch.rows.tolist(),
            "id": batch.ids.tolist(),
            "name": batch.names,
            "md5": [md5.hex() for md5 in digests],
        }
        for name, values in columns.items():
            self._waiting[name].extend(values)
        with naming(self._folder):
            self._pixels_file.write(np.ascontiguousarray(batch.pixels).data)
            while len(self._waiting["row"]) >= _GROUP:
                self._write_rows(_GROUP)

    def outline(self) -> Outline:
        """The outline of all faces so far."""
        parts = [Outline(np.empty(0, np.int8), np.empty(0, np.int64), np.empty(0, "S16"))]
        parts += self._outlines
        whole = Outline(
            labels=np.concatenate([part.labels for part in parts]),
            rows=np.concatenate([part.rows for part in parts]),
            digests=np.concatenate([part.digests for part in parts]),
        )
        self._outlines = [whole]  # the parts need not stay beside it
        return whole

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            with naming(self._folder), self._closing:
                self._finish()
        else:
            # What ended the block is told, and not that a full disk takes no last words either.
            with suppress(OSError):
                self._closing.close()

    def _finish(self) -> None:
        self._pixels_file.seek(0)
        self._write_header()
        self._pixels_file.close()
        # Where there are no faces at all, their table has one group of rows, without rows.
        if self._waiting["row"] or self._count == 0:
            self._write_rows(_GROUP)
        self._table_writer.close()
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._partial.rename(self._folder)

    def _write_header(self) -> None:
        # numpy leaves room in the header for the first number of a shape to grow.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(self._pixels_file, header)

    def _write_rows(self, count: int) -> None:
        """Write up to so many of the rows that wait; how faces were batched must not show."""
        rows = {name: values[:count] for name, values in self._waiting.items()}
        self._table_writer.write_batch(pa.RecordBatch.from_pydict(rows, _SCHEMA))
        self._waiting = {name: values[count:] for name, values in self._waiting.items()}


def digest(face: NDArray[np.uint8]) -> bytes:
    """The MD5 sum of a face's grey values, by which exact copies are found."""
    return hashlib.md5(np.ascontiguousarray(face).data, usedforsecurity=False).digest()
