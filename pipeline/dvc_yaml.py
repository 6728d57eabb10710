"""What dvc.yaml, the study's table of contents, says of each stage.

A stage's `meta` is ours, DVC passes it over:

meta:
  compute: heavy                 # it fills the machine
  record:                        # all that the record in MLflow does not find by itself
    parent:                      # shown in the run of the whole reproduction, too
      metrics: [cnn.accuracy]    # of the stage's metrics.json
      files: [report/report.html]
    model:                       # a trained classifier to be registered
      name: image-sentiment-cnn
      files: [artifacts/train/cnn/weights.safetensors, artifacts/train/cnn/model.json]
      scores: scores.json        # in the stage's folder; `measure` is where in it
      measure: cnn.validation    # `accuracy` and `accuracy_interval` are
      faces: [data/split.parquet]  # files that decide which faces gave the accuracy
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.dotted_keys import flatten, is_in
from pipeline.errors import UserError

FILE = Path(__file__).parents[1] / "dvc.yaml"
LOCK = Path("dvc.lock")

SETTLED, LONGEST_WRITE = 0.5, 5.0
"""Seconds after which a file that did not change is taken for whole; and those waited at most."""


@dataclass(frozen=True)
class StageEntry:
    """One stage.

    Attributes:
        name: without what follows an @.
        description: what it does, in words.
        keys: what follows an @, of a stage that there are several of.
        params: the dotted keys of params.yaml that it reads, with DVC's `${key}`.
        meta: see above.
    """

    name: str
    description: str
    keys: list[str]
    params: list[Any]
    meta: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """As DVC calls it, such as `train@cnn` and `train@dnn`."""
        return [f"{self.name}@{key}" for key in self.keys] or [self.name]

    @property
    def is_heavy(self) -> bool:
        """Whether it fills the machine."""
        return bool(self.meta.get("compute") == "heavy")

    @property
    def record(self) -> Mapping[str, Any]:
        """What the record does not find by itself."""
        return self.meta.get("record") or {}

    def pick_params(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that it reads, with dotted names.

        Those of its own section, `train.cnn` for `train@cnn`, have short names, so that one
        training can be compared with another. What another parameter decides (`${...}`) is left
        out.

        Args:
            name: of the stage, with what follows an @.
            values: all of params.yaml.
        """
        own, key = f"{name.replace('@', '.')}.", name.partition("@")[2]
        wanted = [str(each).replace("${key}", key).replace("${item}", key) for each in self.params]
        return {
            full.removeprefix(own): value
            for each in wanted
            for full, value in flatten(values).items()
            if is_in(full, each)
        }


def read_entries(file: Path = FILE) -> list[StageEntry]:
    """The stages in their order; a `foreach` is one."""
    entries = []
    for name, stage in _parse_stages(file.read_bytes()).items():
        said, keys = stage.get("do", stage), list(stage.get("foreach", []))
        params, meta = said.get("params", []), said.get("meta", {})
        entries.append(StageEntry(name, said.get("desc", name), keys, params, meta))
    return entries


def find_entry(name: str, file: Path = FILE) -> StageEntry:
    """The entry of a stage such as `train@cnn`.

    Raises:
        UserError: there is none.
    """
    entries = {each: entry for entry in read_entries(file) for each in entry.names}
    if name not in entries:
        raise UserError(f"stage {name!r}: not one of {', '.join(entries)}")
    return entries[name]


def code_of(stage: str) -> list[Path]:
    """The files that decide a stage's results: those of `pipeline` that it depends on.

    Without what follows an @ in its name.
    """
    described = _parse_stages(FILE.read_bytes())[stage]
    deps = described.get("do", described)["deps"]
    places = [FILE.parent / place for place in deps if is_part(place, of="pipeline")]
    return [
        file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))
    ]


def is_part(file: str, *, of: str) -> bool:
    """Whether a file is that one, or lies in that folder."""
    return file == of or file.startswith(f"{of}/")


def choosing_files() -> list[Path]:
    """Which faces choose a model: accuracies on the same validation faces compare."""
    return [Path(name) for name in find_entry("evaluate").record["model"]["faces"]]


def read_locked(file: Path = LOCK) -> dict[str, Any]:
    """What dvc.lock says of each stage that has results; nothing if it cannot be read.

    The DVC of another stage may be writing it, in place and piece by piece: one that was written
    just now is waited for.
    """
    import yaml

    try:
        return _parse_stages(_read_settled(file))
    except (OSError, yaml.YAMLError, TypeError, KeyError):  # it may be empty
        return {}


def _parse_stages(content: bytes) -> dict[str, Any]:
    import yaml  # 15 ms, which a mere import shall not cost

    # libyaml is ten times faster; the pure parser is used where it is missing.
    safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("loader", (safe,), {})
    # A number in YAML 1.2, which DVC writes, and a text in 1.1, which this parser reads.
    number = re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$")
    loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    stages: dict[str, Any] = yaml.load(content, Loader=loader)["stages"]  # noqa: S506 (both are safe)
    return stages


def _read_settled(file: Path) -> bytes:
    end = time.monotonic() + LONGEST_WRITE
    while 0 <= time.time() - file.stat().st_mtime < SETTLED and time.monotonic() < end:
        time.sleep(0.05)
    return file.read_bytes()
