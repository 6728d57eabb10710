"""Which modules Python code loads, asked of an interpreter that has loaded nothing else."""

import subprocess
import sys

from .conftest import ROOT

STAGES = (
    "sample", "ingest", "split", "train", "evaluate", "confusion", "saliency", "lime", "filters",
    "class_images", "semisupervised", "predict", "report",
)  # fmt: skip

WITHOUT_NETWORK = ("sample", "ingest", "split", "confusion", "report")

NEVER = ("mlflow", "prefect")


def needless(stage: str, loaded: set[str]) -> set[str]:
    """The slow libraries among those loaded that a stage has no use for."""
    return loaded & {*NEVER, *(["torch"] if stage in WITHOUT_NETWORK else [])}


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
