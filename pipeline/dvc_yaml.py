"""What dvc.yaml, the study's table of contents, says of each stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path("dvc.yaml")


@dataclass(frozen=True)
class Entry:
    """One stage.

    Attributes:
        name: without what follows an @.
        description: what it does, in words.
        params: the keys of params.yaml that it reads, as DVC templates.
        meta: what else is said of it.
    """

    name: str
    description: str
    params: list[Any]
    meta: dict[str, Any]


def read_entries(file: Path = FILE) -> list[Entry]:
    """The stages in their order; a `foreach` is one."""
    # libyaml is ten times faster; the pure parser serves where it is missing.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stages = yaml.load(file.read_bytes(), Loader=loader)["stages"]  # noqa: S506 (both are safe)
    return [
        Entry(name, said.get("desc", name), said.get("params", []), said.get("meta", {}))
        for name, said in ((name, entry.get("do", entry)) for name, entry in stages.items())
    ]
