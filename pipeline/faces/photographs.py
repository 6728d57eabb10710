"""Which faces show one photograph, as the stage `photographs` keeps it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.files import read_parquet, write_parquet


class Photographs(NamedTuple):
    """A number for each face of both stores; wherever it stands again, it is one photograph."""

    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]


def write_photographs(path: Path, photographs: Photographs) -> None:
    """Keep them, one row a face: the store that it is in, its place there, its photograph."""
    tables = [
        pd.DataFrame({"store": store, "face": range(len(numbers)), "photograph": numbers})
        for store, numbers in photographs._asdict().items()
    ]
    write_parquet(path, pd.concat(tables, ignore_index=True))


def read_photographs(path: Path) -> Photographs:
    """What `write_photographs` wrote.

    Raises:
        UserError: it is not there.
    """
    table = read_parquet(path)
    return Photographs(
        *(table["photograph"][table["store"] == store].to_numpy() for store in Photographs._fields)
    )
