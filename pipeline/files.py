"""Small files that stages write: json, tables and figures; complete or absent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import disk
from pipeline.errors import UserError


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented json; numbers keep six significant digits, more would only be noise."""
    text = json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"
    disk.write_text(path, text)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index; numbers keep six significant digits."""
    disk.write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table in full precision."""
    with disk.whole(path) as partial:
        table.to_parquet(partial, index=False)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read what `write_parquet` wrote.

    Raises:
        UserError: it is not there.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
