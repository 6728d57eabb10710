"""Experiments of workers on several hosts, by git and DVC: each pushes what it made.

Off unless the environment names a git remote: on one machine all experiments are in one repository.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from pipeline.errors import UserError

REMOTE = "STUDY_GIT_REMOTE"
"""Environment variable: the git remote, such as `origin`, that all hosts share."""

STORAGE = "STUDY_DVC_REMOTE"
"""Environment variable: the DVC remote that all hosts share, such as s3://bucket/folder."""

Log = Callable[[str], None]


def is_on() -> bool:
    """Whether experiments are exchanged."""
    return bool(os.environ.get(REMOTE))


def configure() -> None:
    """Make the DVC remote that the environment names this clone's default.

    Raises:
        UserError: DVC does not take it.
    """
    if storage := os.environ.get(STORAGE):
        _dvc("remote", "add", "--local", "--force", "--default", "shared", storage)


def fetch(log: Log) -> None:
    """Take over what other hosts have done: experiments, and which outputs follow from what."""
    if not is_on():
        return
    remote = os.environ[REMOTE]
    log(f"takes over what other workers did, from {remote}")
    _run("git", "fetch", "--quiet", remote, "+refs/exps/*:refs/exps/*")
    _dvc("fetch", "--run-cache", may_fail=True)  # nothing there yet, or not all of it


def push(name: str, log: Log) -> None:
    """Hand an experiment with its outputs to the others.

    Raises:
        UserError: a remote did not take it.
    """
    if not is_on():
        return
    remote = os.environ[REMOTE]
    log(f"pushes experiment {name} to {remote}")
    _dvc("exp", "push", "--force", "--run-cache", remote, name)


def pull(name: str) -> None:
    """Take over one experiment with its outputs."""
    if is_on():
        _dvc("exp", "pull", "--force", os.environ[REMOTE], name)


def _dvc(*words: str, may_fail: bool = False) -> None:
    _run(sys.executable, "-m", "dvc", *words, may_fail=may_fail)


def _run(*command: str, may_fail: bool = False) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        words = " ".join(command).removeprefix(f"{sys.executable} -m ")
        raise UserError(f"{words}: {' '.join(done.stderr.split())[-500:]}")
