"""Whether DVC can run experiments here and keep them.

A recipe takes half an hour or more: what would end it, or lose its results, is named before.
"""

import os
import shutil
from pathlib import Path

from pipeline import layout
from pipeline.driver.git import git, read_commit, read_refusal
from pipeline.errors import UserError

CODE = ("pipeline", "dvc.yaml", "constraints.txt")
"""What results follow from besides parameters and data."""

_COMMIT = "git add --all && git commit -m study"


def check_workspace() -> None:
    """See that an experiment's copy will hold all code, and that git can take its results.

    Raises:
        UserError: this is no project, or git or DVC could not do their part.
    """
    if not layout.PARAMS.exists() or not Path("dvc.yaml").exists():
        raise UserError("params.yaml, dvc.yaml: not here; run from the project's folder")
    _check_repository()
    _check_identity()
    _check_cache()
    unknown = git("ls-files", "--others", "--exclude-standard", "--", *CODE)
    if unknown:
        first = unknown.splitlines()[0]
        raise UserError(
            f"{first}: not known to git, so an experiment would lack it: git add {first}"
        )


def _check_repository() -> None:
    """See that git is there, reads this repository, and has a history to keep experiments by."""
    if not shutil.which("git"):
        raise UserError("git: not installed, and DVC needs it: install git first")
    refusal = read_refusal("rev-parse", "--git-dir")
    if "not a git repository" in refusal:
        raise UserError(
            f"{Path.cwd()}: not a git repository, and DVC keeps experiments in one: "
            f"git init && {_COMMIT}"
        )
    if refusal:
        raise UserError(f"git: {refusal}")
    if not read_commit("HEAD"):
        raise UserError(f"git: no commit here, and DVC keeps experiments by commit: {_COMMIT}")
    # DVC exits 0 there all the same, and the experiment is gone with its copy.
    if git("rev-parse", "--is-shallow-repository") == "true":
        raise UserError(
            "git: this clone is shallow (git clone --depth), and DVC would lose an experiment in "
            "it: git fetch --unshallow"
        )


def _check_identity() -> None:
    """See that git knows whose experiments these are, as DVC asks it."""
    unknown = [
        f"user.{what}"
        for what in ("name", "email")
        if not git("config", f"user.{what}")
        and not all(os.environ.get(f"GIT_{who}_{what.upper()}") for who in ("AUTHOR", "COMMITTER"))
    ]
    if unknown:
        raise UserError(
            f"git: {' and '.join(unknown)} not set, and DVC keeps experiments as commits: "
            "git config user.name 'Your Name' && git config user.email you@example.org"
        )


def _check_cache() -> None:
    """See that DVC can tell the copy where its cache is, which it can in ASCII only."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            cache = repo.cache.local_cache_dir
    except DvcException as error:  # copied without hidden folders, for one
        reason = " ".join(str(error).split())
        raise UserError(f"{reason}; its own folder comes back with: git checkout .dvc") from None
    if cache and not cache.isascii():
        raise UserError(
            f"{cache}: DVC runs experiments only where the path of its cache has plain letters: "
            "move the project, or name another place, as in dvc cache dir --local ~/dvc-cache"
        )
