"""Calls of git in the working directory."""

import subprocess


def git(*arguments: str) -> str | None:
    """What git prints, without the last line's end; None if it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 (git on PATH)
    return done.stdout.strip() if done.returncode == 0 else None


def read_commit(reference: str) -> str:
    """The commit that a reference names; empty if there is none."""
    return git("rev-parse", "--quiet", "--verify", reference) or ""
