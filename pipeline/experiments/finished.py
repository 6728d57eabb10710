"""The experiments that DVC keeps for the current commit: parameters and metrics."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import layout
from pipeline.errors import UserError
from pipeline.tracking.journal import flatten


@dataclass(frozen=True)
class Finished:
    """An experiment that ended.

    Attributes:
        name: its name.
        revision: the commit that holds it.
        params: its params.yaml, one level of dotted keys.
        metrics: the numbers of all stages, likewise. Where a stage did not run, those of the commit
            that the experiment stands on.
    """

    name: str
    revision: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]


SOURCE = "data.source"
"""The parameter that says where the faces are."""


def equal(params: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an experiment ran with these parameters, on whichever machine."""
    return params.keys() == wanted.keys() and not differences(params, wanted)


def differences(params: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The parameters of an experiment that are not as wanted, in order.

    An experiment keeps the whole path of its faces, and `data/raw` has another one in each clone.
    """
    return sorted(
        key
        for key, value in params.items()
        if not (
            _is_path_of(str(value), str(wanted.get(key)))
            if key == SOURCE
            else value == wanted.get(key)
        )
    )


def _is_path_of(kept: str, wanted: str) -> bool:
    # What stands above the project, as in ../faces.csv, is not known for another machine.
    tail = [part for part in Path(os.path.normpath(wanted)).parts if part != ".."]
    return bool(tail) and list(Path(kept).parts[-len(tail) :]) == tail


def read_finished() -> dict[str, Finished]:
    """Ask DVC for them, by name.

    Raises:
        UserError: DVC cannot say.
    """
    shown = subprocess.run(
        [sys.executable, "-m", "dvc", "exp", "show", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        raise UserError(f"dvc exp show: {' '.join(shown.stderr.split())}")
    found = {}
    for baseline in json.loads(shown.stdout):
        for experiment in baseline.get("experiments") or ():
            revision = experiment["revs"][0]
            if revision.get("data") and experiment["name"]:
                found[experiment["name"]] = _read(experiment["name"], revision)
    return found


def _read(name: str, revision: Mapping[str, Any]) -> Finished:
    data = revision["data"]
    params = data["params"].get(str(layout.PARAMS), {}).get("data") or {}
    metrics: dict[str, float] = {}
    for file in data["metrics"].values():
        values = flatten(file.get("data") or {})
        metrics |= {key: value for key, value in values.items() if not isinstance(value, str)}
    return Finished(name, revision["rev"], flatten(params), metrics)
