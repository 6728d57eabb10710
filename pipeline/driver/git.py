"""Calls of git in the working directory."""

import os
import subprocess


def git(*arguments: str) -> str | None:
    """What git prints, without the last line's end; None if it fails."""
    done = _call(arguments)
    return done.stdout.strip() if done.returncode == 0 else None


def read_commit(reference: str) -> str:
    """The commit that a reference names; empty if there is none."""
    return git("rev-parse", "--quiet", "--verify", reference) or ""


def read_refusal(*arguments: str) -> str:
    """Why git fails, in its own English words and in one line; empty if it does not."""
    done = _call(arguments)
    return " ".join(done.stderr.removeprefix("fatal: ").split()) if done.returncode else ""


def _call(arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    command = ["git", *arguments]
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
