"""What made a stage's results, in `made_by.json` beside them, and whether it still fits them.

The file holds a revision, so it is no output of DVC: neither git nor DVC know it, and no md5 in
dvc.lock depends on it. DVC may put other results in their place without running the stage, from its
cache or a remote. So the file names the md5 of everything that it speaks of, and `check` says
whether that is what lies there now. The run in MLflow keeps a copy.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from pipeline import disk, layout
from pipeline.driver.git import git
from pipeline.params import Params

NAME = "made_by.json"

PACKAGES = (
    "torch", "numpy", "scipy", "pandas", "scikit-learn", "scikit-image", "captum", "pyarrow",
    "pillow", "matplotlib", "safetensors", "dvc", "mlflow", "prefect",
)  # fmt: skip
"""Whose versions can change a result or a record."""

PATIENCE = 10.0
"""Seconds that git may take on a slow disk before the record does without it."""


def describe(stage: str, params: Params) -> dict[str, Any]:
    """What is about to make a stage's results; former ones lose their description.

    That is all of params.yaml: what made the stage's inputs counts, too.
    """
    (layout.folder(stage) / NAME).unlink(missing_ok=True)
    return {
        "stage": stage,
        "git": git_state(),
        "params": params.model_dump(),
        # What `ingest` reads it says at its end.
        "data": {"source": params.data.source, "md5": _read_ingested(stage, ends=False)},
        "versions": versions(),
        "machine": {"threads": str(threads()), "platform": platform.platform()},
    }


def write(stage: str, made: Mapping[str, Any], machine: Mapping[str, str], run: str | None) -> None:
    """Write down what made the results of a stage that has just ended; complete or absent.

    Args:
        stage: as in dvc.yaml.
        made: what `describe` said at its start.
        machine: device and precision.
        run: the run's key in the record; None without one.
    """
    content = {
        **made,
        "run": run,
        "data": {**made["data"], "md5": _read_ingested(stage, ends=True)},
        "machine": {**made["machine"], "threads": str(threads()), **machine},
        "outputs": _measure(stage),
    }
    disk.write_text(layout.folder(stage) / NAME, json.dumps(content, indent=2) + "\n")


def check(stage: str) -> tuple[bool, str]:
    """Whether a stage's results are those that its `made_by.json` speaks of, and a line on it."""
    try:
        content = read(stage)
        described: dict[str, str] = content["outputs"]
        text = _in_words(content)
    except FileNotFoundError:
        return False, f"no {NAME}: not made here, or not to the end"
    except (ValueError, KeyError, TypeError, AttributeError):
        return False, f"{NAME} is not what a stage writes"
    found = _measure(stage)
    differ = sorted(path for path in {*found, *described} if found.get(path) != described.get(path))
    if not differ:
        return True, text
    more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
    return False, f"{NAME} speaks of other results: {differ[0]}{more}"


def read(stage: str) -> dict[str, Any]:
    """What lies beside a stage's results, whether it fits them or not."""
    return dict(json.loads((layout.folder(stage) / NAME).read_text(encoding="utf-8")))


def git_state() -> dict[str, Any] | None:
    """Revision and dirty flag; None outside a repository, before a first commit, without git.

    Dirty means that code or parameters differ from the revision. What the study itself writes
    (`dvc.lock`, results) does not count: a reproduction changes that as it goes.
    """
    asked = ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "--"]
    asked += [":/", ":(top,exclude)dvc.lock", f":(top,exclude){layout.ARTIFACTS.as_posix()}"]
    try:
        status = git(*asked, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        status = None
    if status is None:
        return None
    lines = status.splitlines()
    headers = [line for line in lines if line.startswith("# ")]
    revision = next(line.split()[-1] for line in headers if line.startswith("# branch.oid"))
    dirty = len(lines) > len(headers)
    return None if revision == "(initial)" else {"revision": revision, "dirty": dirty}


def versions() -> dict[str, str]:
    """The version of Python and of each package that is installed, by name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def threads() -> int:
    """How many threads a computation of this process gets."""
    if torch := sys.modules.get("torch"):  # a stage that does without it shall not pay for it
        return int(torch.get_num_threads())
    text = os.environ.get("OMP_NUM_THREADS", "")
    if text.isdecimal():
        return int(text)
    from pipeline.compute_slot import count_cores  # with filelock, for which a mere import is slow

    return count_cores()


def _measure(stage: str) -> dict[str, str]:
    """The md5 of each file of a stage that lies there; hidden ones are git's and DVC's."""
    found = {}
    for place in layout.results(stage):
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            hidden = any(part.startswith(".") for part in path.parts)
            if path.is_file() and path.name != NAME and not hidden:
                with path.open("rb") as file:
                    found[path.as_posix()] = hashlib.file_digest(file, "md5").hexdigest()
    return found


def _read_ingested(stage: str, *, ends: bool) -> dict[str, str] | None:
    """MD5 sums of the source's files as they were read; None before they were.

    What lies there before `ingest` has run is of former faces.
    """
    is_before = stage in ("settings", "sample") or (stage == "ingest" and not ends)
    if is_before or not layout.INGESTED.is_file():
        return None
    files: dict[str, str] = json.loads(layout.INGESTED.read_text(encoding="utf-8"))["files"]
    return files


def _in_words(content: Mapping[str, Any]) -> str:
    git, machine = content["git"], content["machine"]
    code = "no git" if not git else git["revision"][:10] + (", changed" if git["dirty"] else "")
    return f"{code}; {machine.get('device', 'cpu')}, threads: {machine['threads']}"
