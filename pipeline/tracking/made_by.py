"""What made a stage's results, in `made_by.json` beside them, and whether it still fits them.

The file holds a revision, so it is no output of DVC: neither git nor DVC know it, and no md5 in
dvc.lock depends on it. DVC may put other results in their place without running the stage, from its
cache or a remote. So the file names the md5 of everything that it speaks of, and `check` tells
whether that is what lies there now. The run in MLflow keeps a copy.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline import disk, layout
from pipeline.params import Params
from pipeline.tracking import places
from pipeline.tracking.provenance import git_state, threads, versions

NAME = "made_by.json"

INGESTED = layout.folder("ingest") / "report.json"


@dataclass(frozen=True)
class Finding:
    """Whether a stage's results are what its `made_by.json` speaks of.

    Attributes:
        state: `fits`; `absent` where there is no such file; `other` where results differ from it.
        text: what made them, or which files differ.
    """

    state: Literal["fits", "absent", "other"]
    text: str


def forget(stage: str) -> None:
    """Remove what was said of former results: from now on they are about to change."""
    (layout.folder(stage) / NAME).unlink(missing_ok=True)


def write(stage: str, params: Params, machine: Mapping[str, str], run: str) -> Path:
    """Write down what made the results of a stage that has just ended; complete or absent.

    Args:
        stage: as in dvc.yaml.
        params: all of params.yaml: what made the stage's inputs counts, too.
        machine: device and precision.
        run: the run's key in the record.

    Returns:
        The file.
    """
    git = git_state(Path.cwd())
    content = {
        "stage": stage,
        "run": None if places.is_off() else run,
        "git": {"revision": git.revision, "dirty": git.dirty} if git else None,
        "params": params.model_dump(),
        "data": {"source": params.data.source, "md5": _read_ingested(stage)},
        "versions": versions(),
        "machine": {"threads": str(_threads()), "platform": platform.platform(), **machine},
        "outputs": _measure(stage),
    }
    file = layout.folder(stage) / NAME
    disk.write_text(file, json.dumps(content, indent=2) + "\n")
    return file


def check(stage: str) -> Finding:
    """Compare the results of a stage with what its `made_by.json` speaks of."""
    try:
        content = json.loads((layout.folder(stage) / NAME).read_text(encoding="utf-8"))
        described: dict[str, str] = content["outputs"]
        told = _tell(content)
    except FileNotFoundError:
        return Finding("absent", f"no {NAME}: not made here, or not to the end")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Finding("other", f"{NAME} is not what a stage writes")
    found = _measure(stage)
    differ = sorted(path for path in {*found, *described} if found.get(path) != described.get(path))
    if not differ:
        return Finding("fits", told)
    more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
    return Finding("other", f"{NAME} speaks of other results: {differ[0]}{more}")


def _measure(stage: str) -> dict[str, str]:
    """The md5 of each file of a stage, by its path."""
    found = {}
    for path in _outputs(stage):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        found[path.as_posix()] = digest.hexdigest()
    return found


def _outputs(stage: str) -> Iterator[Path]:
    """The files of a stage that lie there, in order; hidden ones are git's and DVC's."""
    for place in layout.results(stage):
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in files:
            hidden = any(part.startswith(".") for part in path.parts)
            if path.is_file() and path.name != NAME and not hidden:
                yield path


def _read_ingested(stage: str) -> dict[str, str] | None:
    """MD5 sums of the source's files as they were read; None before they were."""
    if stage == "sample" or not INGESTED.is_file():
        return None
    files: dict[str, str] = json.loads(INGESTED.read_text(encoding="utf-8"))["files"]
    return files


def _threads() -> int:
    torch = sys.modules.get("torch")  # a stage that did without it shall not pay for it
    return int(torch.get_num_threads()) if torch else threads()


def _tell(content: Mapping[str, Any]) -> str:
    git, machine = content["git"], content["machine"]
    code = "no git" if not git else git["revision"][:10] + (", changed" if git["dirty"] else "")
    return f"{code}; {machine.get('device', 'cpu')}, threads: {machine['threads']}"
