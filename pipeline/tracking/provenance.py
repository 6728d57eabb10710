"""What a run was made from and made with: revision, versions, machine. Knows no host name."""

import getpass
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.layout import ARTIFACTS, PARAMS

PACKAGES = (
    "torch", "numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "captum", "pyarrow",
    "pillow", "matplotlib", "safetensors", "dvc", "mlflow", "prefect",
)  # fmt: skip
"""Whose versions can change a result or a record."""

PATIENCE = 10.0
"""Seconds that git may take on a slow disk before the record does without it."""


@dataclass(frozen=True)
class GitState:
    """The revision that the working tree stands on.

    Args:
        revision: The commit, 40 hex digits.
        dirty: Whether code or parameters differ from it. What the study itself writes (`dvc.lock`,
            results) does not count: a reproduction changes that as it goes.
    """

    revision: str
    dirty: bool


def git_state(folder: Path) -> GitState | None:
    """Revision and dirty flag; None outside a repository, before a first commit, without git."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--"]
    command += [":/", ":(top,exclude)dvc.lock", f":(top,exclude){ARTIFACTS.as_posix()}"]
    try:
        status = subprocess.run(
            command,
            cwd=folder,
            # Without this a mere look takes the index's lock, in the way of somebody's `git add`.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    headers = [line for line in status.stdout.splitlines() if line.startswith("# ")]
    changes = len(status.stdout.splitlines()) - len(headers)
    revision = next(line.split()[-1] for line in headers if line.startswith("# branch.oid"))
    return None if revision == "(initial)" else GitState(revision, changes > 0)


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The version of Python and of each package that is installed, by name."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def threads() -> int:
    """How many threads a computation gets unless it is told otherwise."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit():
        return int(said)
    # Where there is such a thing: the cores this process may use, not all that the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def data_md5(folder: Path, running: str | None = None) -> str | None:
    """The md5 of `data.source` as `dvc.lock` has it.

    Args:
        folder: Where `params.yaml` and `dvc.lock` lie.
        running: The stage that asks. If it reads `data.source` itself, the lock is about to change
            and its md5 may be that of former data: None is given.

    Returns:
        32 hex digits, followed by `.dir` for a folder; None when not known.
    """
    source = _mapping(_read_yaml(folder / PARAMS), "data").get("source")
    for stage, entry in _mapping(_read_yaml(folder / "dvc.lock"), "stages").items():
        for dependency in entry.get("deps", []):
            if dependency["path"] == source and stage != running:
                return str(dependency["md5"]) if "md5" in dependency else None
    return None


def locked_stages(folder: Path) -> list[str]:
    """The stages that have results, by `dvc.lock`, in its order."""
    return list(_mapping(_read_yaml(folder / "dvc.lock"), "stages"))


def program(folder: Path) -> dict[str, str]:
    """Which file runs, and under whose account, by the names of MLflow's columns."""
    file = Path(sys.argv[0])
    try:
        user = {"mlflow.user": getpass.getuser()}
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        user = {}
    name = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
    return {**user, "mlflow.source.name": name.as_posix(), "mlflow.source.type": "LOCAL"}


def provenance(folder: Path, running: str | None = None) -> dict[str, str]:
    """All of the above as flat text, ready to be the tags of a run."""
    git = git_state(folder)
    md5 = data_md5(folder, running)
    experiment = os.environ.get("DVC_EXP_NAME")  # set by `dvc exp run`
    return {
        **({"git.revision": git.revision, "git.dirty": str(git.dirty).lower()} if git else {}),
        **({"data.md5": md5} if md5 else {}),
        **({"dvc.experiment": experiment} if experiment else {}),
        **{f"version.{name}": version for name, version in versions().items()},
        "threads": str(threads()),
        "platform": platform.platform(),
        **program(folder),
    }


def _read_yaml(path: Path) -> Any:
    import yaml

    # libyaml parses a long dvc.lock ten times faster; the pure parser stands where it is missing.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 (both are safe loaders)
    except (OSError, yaml.YAMLError):
        return None


def _mapping(values: Any, key: str) -> Mapping[str, Any]:
    part = values.get(key) if isinstance(values, dict) else None
    return part if isinstance(part, dict) else {}
