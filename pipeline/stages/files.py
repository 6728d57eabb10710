"""Small files that stages write: json, tables and figures; complete or absent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented json; numbers keep six significant digits, more would only be noise."""
    text = json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"
    _write_text(path, text)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index; numbers keep six significant digits."""
    _write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table in full precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    table.to_parquet(partial, index=False)
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
