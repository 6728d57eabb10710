"""What dvc.yaml, the study's table of contents, says of each stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UserError

FILE = Path(__file__).parents[1] / "dvc.yaml"


@dataclass(frozen=True)
class Entry:
    """One stage.

    Attributes:
        name: without what follows an @.
        description: what it does, in words.
        keys: what follows an @, of a stage that there are several of.
        params: the dotted keys of params.yaml that it reads, with DVC's `${key}`.
        is_heavy: whether it fills the machine (`meta: {compute: heavy}`).
    """

    name: str
    description: str
    keys: list[str]
    params: list[Any]
    is_heavy: bool

    def pick_params(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that it reads, under their dotted keys.

        Args:
            name: of the stage, with what follows an @.
            values: all of params.yaml.
        """
        found: dict[str, Any] = {}
        for template in self.params:
            key = str(template).replace("${key}", name.partition("@")[2])
            value: Any = values
            for part in key.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None:
                found[key] = value
        return found


def read_entries(file: Path = FILE) -> list[Entry]:
    """The stages in their order; a `foreach` is one."""
    # libyaml is ten times faster; the pure parser serves where it is missing.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stages = yaml.load(file.read_bytes(), Loader=loader)["stages"]  # noqa: S506 (both are safe)
    return [_entry(name, stage) for name, stage in stages.items()]


def find_entry(name: str, file: Path = FILE) -> Entry:
    """The entry of a stage such as `train@cnn`.

    Raises:
        UserError: there is none.
    """
    stage, _, key = name.partition("@")
    entries = {entry.name: entry for entry in read_entries(file)}
    if stage not in entries:
        raise UserError(f"stage {stage!r}: not one of {', '.join(entries)}")
    entry = entries[stage]
    if key not in (entry.keys or [""]):
        allowed = ", ".join(entry.keys) or "no key"
        raise UserError(f"stage {stage} of {key!r}: allowed is {allowed}")
    return entry


def _entry(name: str, stage: Mapping[str, Any]) -> Entry:
    said = stage.get("do", stage)
    return Entry(
        name=name,
        description=said.get("desc", name),
        keys=list(stage.get("foreach", [])),
        params=said.get("params", []),
        is_heavy=said.get("meta", {}).get("compute") == "heavy",
    )
