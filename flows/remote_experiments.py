"""Experiments of workers on several hosts, by git and DVC: each pushes what it made.

Off unless the environment names a git remote: on one machine all experiments are in one repository.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from pipeline.driver.experiment_runs import REPLACED
from pipeline.driver.git import git
from pipeline.driver.metrics_cache import keep_metrics
from pipeline.driver.stage_runs import DVC
from pipeline.errors import UserError
from pipeline.record.address import without_secrets

Log = Callable[[str], None]

REMOTE = "STUDY_GIT_REMOTE"
"""Environment variable: the git remote, such as `origin`, that all hosts share."""

STORAGE = "STUDY_DVC_REMOTE"
"""Environment variable: the DVC remote that all hosts share, such as s3://bucket/folder."""

OURS, THEIRS = "refs/exps/", "refs/study/theirs/"
"""Experiments of this clone, where DVC keeps them, and those of the remote as last seen."""

METRICS = "metrics.json"

PAUSES = (2.0, 5.0, 15.0)
"""Seconds before the second and each later attempt: another host may be pushing just now."""

LONGEST = 1800.0
"""Seconds that an attempt may take: who holds the exchange lets all experiments of a clone wait."""


def is_on() -> bool:
    """Whether experiments are exchanged."""
    return bool(os.environ.get(REMOTE))


def configure() -> None:
    """Make the DVC remote that the environment names this clone's default.

    Raises:
        UserError: DVC does not take it.
    """
    if storage := os.environ.get(STORAGE):
        _run(*DVC, "remote", "add", "--local", "--force", "--default", "shared", storage)


def fetch(log: Log) -> None:
    """Take over what other hosts have done; outputs follow when DVC needs them.

    Raises:
        UserError: the remote does not answer.
    """
    if not is_on():
        return
    with _alone():
        log(f"takes over what other workers did, from {without_secrets(_remote())}")
        _try(log, "git", "fetch", "--quiet", "--prune", _remote(), f"+{OURS}*:{THEIRS}*")
        _take_over()
        _take_over_metrics()


def push(name: str, log: Log) -> None:
    """Hand an experiment with its outputs to the others.

    Raises:
        UserError: a remote did not take it, several times.
    """
    if not is_on():
        return
    log(f"pushes experiment {name} to {without_secrets(_remote())}")
    with _alone():
        _try(log, *DVC, "exp", "push", "--force", "--run-cache", _remote(), name)


def _take_over() -> None:
    """Add the remote's experiments to this clone's; of two of one name the younger stays."""
    known = _references(OURS)
    held = _references(REPLACED)  # runs here just now: DVC would find its name taken at the end
    for name, (theirs, date) in _references(THEIRS).items():
        ours, our_date = known.get(name, ("", 0))
        if name not in held and theirs != ours and date >= our_date:
            # With the value that was seen: a run that has ended meanwhile is not overwritten.
            git("update-ref", OURS + name, theirs, ours or "0" * 40)


def _take_over_metrics() -> None:
    """Put the metrics of other hosts into DVC's cache.

    They are in git and not in the shared storage, and DVC reuses a stage of its run cache only if
    all its outputs are in the cache.
    """
    lists = (git("ls-tree", "-r", commit) or "" for commit, _ in _references(THEIRS).values())
    rows = (row.split(maxsplit=3) for found in lists for row in found.splitlines())
    blobs = {blob for _, _, blob, path in rows if Path(path).name == METRICS}
    if blobs:
        keep_metrics(
            subprocess.check_output(["git", "cat-file", "blob", blob])  # noqa: S607 (git on PATH)
            for blob in blobs
        )


def _references(prefix: str) -> dict[str, tuple[str, int]]:
    """Commit and its time, in seconds since the epoch, of each reference, by what follows."""
    form = "--format=%(refname) %(objectname) %(committerdate:unix)"
    lines = (git("for-each-ref", form, prefix) or "").splitlines()
    found = (line.rsplit(" ", 2) for line in lines)
    return {name.removeprefix(prefix): (commit, int(date)) for name, commit, date in found}


def _alone() -> FileLock:
    """One exchange at a time in this clone."""
    return FileLock(Path(".dvc") / "tmp" / "exchange.lock")


def _remote() -> str:
    return os.environ[REMOTE]


def _try(log: Log, *command: str) -> None:
    """Run a command, several times if need be."""
    for pause in PAUSES:
        try:
            _run(*command)
        except UserError as error:
            log(f"{error}; tries again in {pause:g} s")
            time.sleep(pause)
        else:
            return
    _run(*command)


def _run(*command: str) -> None:
    words = " ".join(command).removeprefix(f"{sys.executable} -m ")
    # A pipe would stay open with git's own children.
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                env={**os.environ, "GIT_TERMINAL_PROMPT": "0"}, timeout=LONGEST, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            reason = f"no end after {LONGEST / 60:g} minutes"
            raise UserError(without_secrets(f"{words}: {reason}")) from None
        said.seek(0)
        if done.returncode:
            raise UserError(without_secrets(f"{words}: {' '.join(said.read().split())[-500:]}"))
