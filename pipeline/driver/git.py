"""Calls of git in the working directory."""

import os
import subprocess


def git(*arguments: str, timeout: float | None = None) -> str | None:
    """What git prints, without the last line's end; None if it fails.

    Raises:
        OSError: there is no git.
        TimeoutExpired: it took more seconds than that.
    """
    done = _call(arguments, timeout)
    return done.stdout.strip() if done.returncode == 0 else None


def read_commit(reference: str) -> str:
    """The commit that a reference names; empty if there is none."""
    return git("rev-parse", "--quiet", "--verify", reference) or ""


def read_refusal(*arguments: str) -> str:
    """Why git fails, in its own English words and in one line; empty if it does not."""
    done = _call(arguments)
    return " ".join(done.stderr.removeprefix("fatal: ").split()) if done.returncode else ""


def _call(
    arguments: tuple[str, ...], timeout: float | None = None
) -> "subprocess.CompletedProcess[str]":
    command = ["git", *arguments]
    # Else a mere look takes the index's lock, in the way of a user's `git add`.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )
