"""Faces as the study keeps them: `pixels.npy` and, row for row, `table.parquet`.

The table has one row a face: `label` (int8, -1 without one), `usage` (FER2013's part, or missing),
`row` (place in the source, from 1), `id` (the source's own, else counted from 0), `name` (path of
an image in its folder, or missing) and `md5` (hexadecimal, of the 2,304 grey values).
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

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


@contextmanager
def writing_faces(folder: Path) -> Iterator["FaceWriter"]:
    """Write a store batch by batch; none of its faces stays in memory.

    The folder appears, or is replaced, when the block ends well, and stays as it was when the block
    ends in an error.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with ExitStack() as closing:
        # Closing writes, too, and fails on a full disk; the folder goes even then.
        closing.callback(shutil.rmtree, partial, ignore_errors=True)
        with naming(folder):
            partial.mkdir(parents=True)
            pixels = closing.enter_context((partial / _PIXELS).open("wb"))
            table = closing.enter_context(pq.ParquetWriter(partial / _TABLE, _SCHEMA))
            writer = FaceWriter(folder, pixels, table)
        try:
            yield writer
        except BaseException:
            # What ended the block is told, and not that a full disk takes no last words either.
            with suppress(OSError):
                closing.close()
            raise
        with naming(folder), closing.pop_all():
            writer.finish()
            if folder.exists():
                shutil.rmtree(folder)
            partial.rename(folder)


class FaceWriter:
    """Puts faces into the files of a store; see `writing_faces`."""

    def __init__(self, folder: Path, pixels: BinaryIO, table: pq.ParquetWriter) -> None:
        self._folder, self._pixels, self._table = folder, pixels, table
        self._count = 0
        self._waiting: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
        self._write_header()

    def append(self, batch: Batch) -> None:
        """Add a batch's faces after those that are there."""
        self._count += len(batch)
        columns = {
            "label": batch.labels.tolist(),
            "usage": batch.usage,
            "row": batch.rows.tolist(),
            "id": batch.ids.tolist(),
            "name": batch.names,
            "md5": [face_md5(face) for face in batch.pixels],
        }
        for name, values in columns.items():
            self._waiting[name].extend(values)
        with naming(self._folder):
            self._pixels.write(np.ascontiguousarray(batch.pixels).data)
            while len(self._waiting["row"]) >= _GROUP:
                self._write_rows()

    def finish(self) -> None:
        """Write what waits, and close the files."""
        self._pixels.seek(0)
        self._write_header()
        self._pixels.close()
        # Where there are no faces at all, their table has one group of rows, without rows.
        if self._waiting["row"] or self._count == 0:
            self._write_rows()
        self._table.close()

    def _write_header(self) -> None:
        # numpy leaves room in the header for the first number of a shape to grow.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(self._pixels, header)

    def _write_rows(self) -> None:
        """Write a group of the rows that wait; how faces were batched must not show."""
        rows = {name: values[:_GROUP] for name, values in self._waiting.items()}
        self._table.write_batch(pa.RecordBatch.from_pydict(rows, _SCHEMA))
        self._waiting = {name: values[_GROUP:] for name, values in self._waiting.items()}


def face_md5(face: NDArray[np.uint8]) -> str:
    """The MD5 sum of a face's grey values, by which exact copies are found."""
    return hashlib.md5(np.ascontiguousarray(face).data, usedforsecurity=False).hexdigest()
