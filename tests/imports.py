"""Which modules Python code loads, asked of an interpreter that has loaded nothing else."""

import subprocess
import sys

from .conftest import ROOT


def modules_loaded(code: str) -> set[str]:
    """Names of all modules that are loaded once the code has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())
