"""Faces as the study keeps them: `pixels.npy` and, row for row, `table.parquet`.

The table has one row a face: `label` (int8, -1 without one), `usage` (FER2013's part, or missing),
`row` (place in the source, from 1), `id` (the source's own, else counted from 0), `name` (path of
an image in its folder, or missing) and `md5` (hexadecimal, of the 2,304 grey values).
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.data.batch import Batch
from pipeline.data.expressions import SIDE
from pipeline.errors import UserError

_PIXELS, _TABLE = "pixels.npy", "table.parquet"

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


class FaceWriter:
    """Writes a store batch by batch, in memory that does not grow with the pixels.

    A context manager: the folder appears, or is replaced, when the block ends well, and stays as it
    was when the block ends in an error.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder.with_name(folder.name + ".partial")
        self._columns: list[pa.RecordBatch] = []
        self._count = 0
        self._file: BinaryIO

    def __enter__(self) -> Self:
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        self._file = (self._partial / _PIXELS).open("wb")
        self._write_header()
        return self

    def append(self, batch: Batch) -> None:
        """Add a batch's faces after those that are there."""
        self._file.write(np.ascontiguousarray(batch.pixels).data)
        columns = {
            "label": batch.labels,
            "usage": batch.usage,
            "row": batch.rows,
            "id": batch.ids,
            "name": batch.names,
            "md5": [digest(face) for face in batch.pixels],
        }
        self._columns.append(pa.RecordBatch.from_pydict(columns, _SCHEMA))
        self._count += len(batch)

    def table(self) -> pd.DataFrame:
        """The table of all faces so far."""
        table: pd.DataFrame = pa.Table.from_batches(self._columns, _SCHEMA).to_pandas()
        return table

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()
            shutil.rmtree(self._partial, ignore_errors=True)

    def _finish(self) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()
        table = pa.Table.from_batches(self._columns, _SCHEMA)
        pq.write_table(table, self._partial / _TABLE)
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._partial.rename(self._folder)

    def _write_header(self) -> None:
        # numpy leaves room in the header for the first number of a shape to grow.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(self._file, header)


def digest(face: NDArray[np.uint8]) -> str:
    """The MD5 sum of a face's grey values, by which exact copies are found."""
    return hashlib.md5(np.ascontiguousarray(face).data, usedforsecurity=False).hexdigest()
