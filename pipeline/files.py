"""Small files that stages write and read: json and tables; complete or absent."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import BaseModel, TypeAdapter, ValidationError

from pipeline import disk
from pipeline.errors import UserError

T = TypeVar("T")


def write_json(path: Path, content: Any) -> None:
    """Write a dataclass or a mapping as indented json.

    Numbers keep six significant digits, as more would only be noise; a field of a dataclass that
    has its default is left out.
    """
    text = json.dumps(_rounded(content), indent=2, ensure_ascii=False) + "\n"
    disk.write_text(path, text)


def read_json(kind: type[T], path: Path) -> T:
    """Read what `write_json` wrote.

    Args:
        kind: what it holds, such as a dataclass; keys that are no fields are passed over.
        path: the file.

    Raises:
        UserError: it is not there, or does not hold that.
    """
    try:
        return TypeAdapter(kind).validate_json(read_text(path))
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise UserError(
            f"{path}: {key or 'the file'}: {detail['msg']}; make it again with `dvc repro`"
        ) from None


def read_text(path: Path) -> str:
    """A result as text.

    Raises:
        UserError: it is not there.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; make it with `dvc repro`") from None


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
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value):
        parts = {part.name: (part, getattr(value, part.name)) for part in fields(value)}
        return {
            name: _rounded(held) for name, (part, held) in parts.items() if held != _default(part)
        }
    return value


def _default(part: "Field[Any]") -> Any:
    return part.default if part.default_factory is MISSING else part.default_factory()
