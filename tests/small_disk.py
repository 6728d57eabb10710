"""Disks that really are full: file systems of some kilobytes that a script mounts for itself."""

import subprocess

import pytest

from .conftest import ROOT


def unshared(script, environment=None):
    """Run a script that mounts something, in a namespace of its own; 99 says that it cannot."""
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("this machine allows no mount, so no small disk")
    return done
