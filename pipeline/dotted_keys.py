"""Nested mappings, such as params.yaml, and the dotted keys that name what is in them."""

from collections.abc import Mapping
from typing import Any

Nested = dict[str, Any]
"""Sections within sections, as deep as needed."""


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level of keys: `{"a": {"b": 1}}` becomes `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def is_in(key: str, section: str) -> bool:
    """Whether a dotted key is that section's, or in it."""
    return key == section or key.startswith(f"{section}.")


def nest(values: Mapping[str, Any]) -> Nested:
    """The reverse; keys that are nested already stay so: `{"a.b": 1}` becomes `{"a": {"b": 1}}`.

    Raises:
        ValueError: a key has an empty part or a blank at the end of one; the message is the key.
    """
    nested: Nested = {}
    for key, value in values.items():
        parts = str(key).split(".")
        if not all(part and part == part.strip() for part in parts):
            raise ValueError(str(key))
        inner: Any = nest(value) if isinstance(value, Mapping) else value
        for part in reversed(parts):
            inner = {part: inner}
        nested = merge(nested, inner)
    return nested


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Nested:
    """A new mapping with the changes in it; sections are merged, all else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged
