"""Which modules Python code loads, asked of a fresh interpreter, and which code dvc.yaml names."""

import subprocess
import sys

import yaml

from pipeline.imports import is_part

from .conftest import ROOT

STAGES = (
    "settings", "sample", "ingest", "photographs", "split", "train", "evaluate", "confusion",
    "labels", "saliency", "lime", "filters", "class_images", "semisupervised", "predict", "report",
)  # fmt: skip

WITHOUT_NETWORK = (
    "settings", "sample", "ingest", "photographs", "split", "confusion", "report",
)  # fmt: skip

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


def listed_code(stage: str) -> list[str]:
    """The files and folders of code that a stage depends on by dvc.yaml."""
    described = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    deps = described.get("do", described)["deps"]
    return [place for place in deps if is_part(place, of="pipeline")]


def missing_and_idle(deciding: set[str], listed: list[str]) -> tuple[list[str], list[str]]:
    """The files that no listed place covers, and the listed places that cover no file; sorted."""
    missing = [file for file in deciding if not any(is_part(file, of=place) for place in listed)]
    idle = [place for place in listed if not any(is_part(file, of=place) for file in deciding)]
    return sorted(missing), sorted(idle)
