"""DVC experiments: run in a temporary copy that shares the cache, and kept under a name.

The workspace stays as it is. The copy holds what git tracks, changes that are not committed
included; its results are kept under the experiment's name (`dvc exp show`, `dvc exp apply`).
"""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import layout
from pipeline.dotted_keys import flatten
from pipeline.driver.git import git, read_commit
from pipeline.driver.stage_runs import DVC, Hear, Outcome, follow
from pipeline.errors import UserError

REPLACED = "refs/study/former/"
"""Where an experiment waits while another of its name runs: DVC does not look there."""


@dataclass(frozen=True)
class Experiment:
    """What is to be run.

    Attributes:
        name: under which DVC keeps it.
        settings: over params.yaml, by dotted key.
        stages: that are wanted, with all they need; none are all.
        force: run stages that are up to date, too.
        pull: take over from DVC's remote what another host made of the same inputs.
    """

    name: str
    settings: Mapping[str, Any]
    stages: tuple[str, ...] = ()
    force: bool = False
    pull: bool = False


@dataclass(frozen=True)
class KeptExperiment:
    """An experiment that DVC keeps for the current commit.

    Attributes:
        params: its params.yaml, by dotted key.
        metrics: the numbers of its stages, likewise; of a stage that it was not asked for, those of
            the commit that it belongs to, if they follow from the same parameters and data.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, float]


def check_name(name: str) -> None:
    """See that git and DVC take an experiment's name.

    Raises:
        UserError: they do not.
    """
    if "/" in name or git("check-ref-format", f"refs/exps/{name}") is None:
        raise UserError(
            f"experiment {name!r}: not a name that git takes; "
            f"letters, digits, - and _ are, as in short-1"
        )


def check_keys(labels: Mapping[str, Any]) -> None:
    """See that `dvc exp run -S` can read the names in a map of labels, and as names.

    Hydra knows ASCII alone, and takes some words for other values.

    Raises:
        UserError: it cannot.
    """
    for name in map(str, labels):
        is_read = re.fullmatch(r"[\w/\\+.$%*@?|()\[\]{}:=, \t-]+", name, re.ASCII)
        if not is_read or name.lower() in ("null", "true", "false", "nan", "inf"):
            raise UserError(
                f"data.labels: {name!r}: DVC sets only names of ASCII letters, digits and some "
                "signs for an experiment, and no null or true; put the map into params.yaml itself"
            )


def run_experiment(
    experiment: Experiment,
    *,
    hear: Hear,
    ended: Callable[[str, Outcome], None] = lambda _stage, _outcome: None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Outcome:
    """Run an experiment; the kept one of its name goes once DVC keeps the new one, and not before.

    DVC decides which of its stages are up to date. Arguments and result are those of
    `stage_runs.follow`.
    """
    reference = find_reference(experiment.name)
    replaced = reference.replace("refs/exps/", REPLACED, 1)
    if not read_commit(reference):
        _move(replaced, reference)  # the process that put it there was killed
    # Not `dvc exp run --force`: that would also run every stage again that is up to date.
    _move(reference, replaced)
    try:
        return follow(
            _command(experiment), hear=hear, ended=ended, environment=environment, timeout=timeout
        )
    finally:
        if read_commit(reference):
            git("update-ref", "-d", replaced)
        else:
            _move(replaced, reference)


def find_reference(name: str) -> str:
    """Where DVC keeps an experiment of the current commit."""
    from dvc.repo.experiments.refs import ExpRefInfo

    return str(ExpRefInfo(read_commit("HEAD"), name))


def read_kept() -> dict[str, KeptExperiment]:
    """Ask DVC for the experiments of the current commit, by name.

    Raises:
        UserError: DVC cannot say.
    """
    shown = subprocess.run(
        [*DVC, "exp", "show", "--json"], capture_output=True, text=True, check=False
    )
    if shown.returncode:
        raise UserError(f"dvc exp show: {' '.join(shown.stderr.split())}")
    experiments = (
        (each["name"], each["revs"][0].get("data"))
        for baseline in json.loads(shown.stdout)
        for each in baseline.get("experiments") or ()
    )
    return {name: _read(data) for name, data in experiments if name and data}


def quote(value: Any) -> str:
    """A value as `dvc exp run -S` reads it (Hydra's grammar): texts quoted, so that they stay."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, Mapping):
        pairs = zip(map(_as_key, value), map(quote, value.values()), strict=True)
        return "{" + ",".join(f"{key}:{item}" for key, item in pairs) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(quote(item) for item in value) + "]"
    return repr(value)


def _as_key(key: str | int) -> str:
    """A key has no quotes there: what would end it is escaped, and a blank makes digits a text."""
    text = f"{key} " if isinstance(key, str) and key.isdecimal() else str(key)
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", text)


def _command(experiment: Experiment) -> list[str]:
    options = ["--temp", "--name", experiment.name]
    options += ["--force"] if experiment.force else []
    options += ["--pull"] if experiment.pull else []
    for key, value in experiment.settings.items():
        options += ["-S", f"{key}={quote(value)}"]
    return ["exp", "run", *options, *experiment.stages]


def _read(data: Mapping[str, Any]) -> KeptExperiment:
    params = flatten(data["params"].get(str(layout.PARAMS), {}).get("data") or {})
    metrics: dict[str, float] = {}
    for file in data["metrics"].values():
        values = flatten(file.get("data") or {})
        metrics |= {key: value for key, value in values.items() if not isinstance(value, str)}
    return KeptExperiment(params, metrics)


def _move(old: str, new: str) -> None:
    if commit := read_commit(old):
        git("update-ref", new, commit)
        git("update-ref", "-d", old)
