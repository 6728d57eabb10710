"""Small files that stages write: json, tables and figures; complete or absent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import UserError


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented json; numbers keep six significant digits, more would only be noise."""
    text = json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"
    write_text(path, text)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index; numbers keep six significant digits."""
    write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table in full precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    table.to_parquet(partial, index=False)
    partial.replace(path)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read what `write_parquet` wrote.

    Raises:
        UserError: it is not there.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None


def write_text(path: Path, text: str) -> None:
    """Write a text; complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
