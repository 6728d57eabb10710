"""One configuration as a DVC experiment: in a temporary copy that shares the cache.

The workspace stays as it is. The copy holds what git tracks, changes that are not committed
included; its results are kept under the experiment's name (`dvc exp show`, `dvc exp apply`).
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipeline import layout
from pipeline.errors import UserError
from pipeline.experiments.finished import Finished, equal
from pipeline.experiments.recipes import Configuration, Overrides, merge
from pipeline.experiments.subprocesses import run_to_end
from pipeline.tracking.journal import flatten

FORMER = "refs/study/former/"
"""Where an experiment waits while another of its name runs: DVC does not look there."""

COPIES = Path(".dvc/tmp/exps/standalone")
"""Where DVC puts the copies that experiments run in."""

ABANDONED = 600.0
"""Seconds after which a copy that nobody works in was left behind."""

Execute = Callable[[Sequence[str], Mapping[str, str]], int]

CODE = ("pipeline", "dvc.yaml", "constraints.txt")
"""What results follow from besides parameters and data."""


@dataclass(frozen=True)
class Experiment:
    """A configuration, and how far it is to be run.

    Attributes:
        configuration: parameters under the experiment's name.
        stages: that are wanted, with all they need; none are all.
        force: run stages that are up to date, too.
        pull: take over from DVC's remote what another host made of the same inputs.
    """

    configuration: Configuration
    stages: tuple[str, ...] = ()
    force: bool = False
    pull: bool = False

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self.configuration.name

    @property
    def message(self) -> str:
        """Of the experiment's commit: tells later how far it was run."""
        return f"{self.name}: {' '.join(self.stages) or 'all stages'}"


def check_source(source: str) -> None:
    """See that the faces are where `data.source` says.

    Raises:
        UserError: there are no such faces.
    """
    if Path(source) != layout.SAMPLE and not Path(source).exists():
        raise UserError(
            f"data.source = {source!r}: no such file or folder; README.md says what it can be"
        )


def check_name(name: str) -> None:
    """See that git and DVC take an experiment's name.

    Raises:
        UserError: they do not.
    """
    if "/" in name or git("check-ref-format", f"refs/exps/{name}") is None:
        raise UserError(
            f"experiment {name!r}: not a name that git takes; "
            f"letters, digits, - and _ are, as in short-1"
        )


def check_workspace() -> None:
    """See that the temporary copy will hold all code.

    Raises:
        UserError: this is no project with a first commit, or code is not known to git.
    """
    if not layout.PARAMS.exists() or not Path("dvc.yaml").exists():
        raise UserError("params.yaml, dvc.yaml: not here; run from the project's folder")
    if git("rev-parse", "--quiet", "--verify", "HEAD") is None:
        raise UserError("git: no commit here; DVC's experiments stand on one: git commit")
    unknown = git("ls-files", "--others", "--exclude-standard", "--", *CODE)
    if unknown:
        first = unknown.splitlines()[0]
        raise UserError(
            f"{first}: not known to git, so an experiment would lack it: git add {first}"
        )


def is_done(experiment: Experiment, known: Mapping[str, Finished]) -> bool:
    """Whether it was run as far as that with these parameters, this code and these faces."""
    done = known.get(experiment.name)
    return (
        done is not None
        and equal(done.params, flatten(experiment.configuration.params.model_dump()))
        and git("log", "-1", "--format=%s", done.revision) == experiment.message
        and git("diff", "--quiet", done.revision, "--", *CODE) is not None
        and _newest(Path(experiment.configuration.params.data.source)) < _committed(done.revision)
    )


def only_done(
    experiments: Sequence[Experiment], known: Mapping[str, Finished]
) -> dict[str, Finished]:
    """Of the experiments that DVC knows, those that are as wanted, by name."""
    return {each.name: known[each.name] for each in experiments if is_done(each, known)}


def run(experiment: Experiment, execute: Execute = run_to_end) -> bool:
    """Run it; an experiment of its name is replaced if it succeeds, and kept if not.

    Args:
        experiment: what to run.
        execute: runs a command with these variables and gives its exit status.

    Returns:
        Whether it succeeded.
    """
    sweep()
    reference = _reference(experiment.name)
    aside = reference.replace("refs/exps/", FORMER, 1)
    if git("rev-parse", "--quiet", "--verify", reference) is None:
        _move(aside, reference)  # whoever put it aside was killed
    # Not `dvc exp run --force`: that would also run every stage again that is up to date.
    _move(reference, aside)
    succeeded = False
    try:
        succeeded = execute(command(experiment), environment()) == 0
    finally:
        if succeeded:
            git("update-ref", "-d", aside)
        else:
            _move(aside, reference)
    return succeeded


def sweep() -> None:
    """Remove copies that DVC made for experiments and could not remove, because it was killed."""
    working = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            working.add(Path(process.cwd()))
    for copy in COPIES.glob("tmp*"):
        is_old = time.time() - copy.stat().st_mtime > ABANDONED
        if is_old and not any(folder.is_relative_to(copy.resolve()) for folder in working):
            shutil.rmtree(copy, ignore_errors=True)


def remove(name: str) -> None:
    """Forget an experiment of the current commit; what it made stays in DVC's cache."""
    git("update-ref", "-d", _reference(name))


def find(name: str) -> str:
    """The commit of an experiment of the current commit; empty if there is none."""
    return git("rev-parse", "--quiet", "--verify", _reference(name)) or ""


def revision() -> str:
    """The current commit."""
    return git("rev-parse", "HEAD") or ""


def command(experiment: Experiment) -> list[str]:
    """The call of DVC."""
    settings = [
        word
        for key, value in flatten(_changes(experiment.configuration)).items()
        for word in ("-S", f"{key}={quote(value)}")
    ]
    options = ["--temp", "--name", experiment.name, "--message", experiment.message]
    options += ["--force"] if experiment.force else []
    options += ["--pull"] if experiment.pull else []
    start = [sys.executable, "-m", "dvc", "exp", "run"]
    return [*start, *options, *settings, *experiment.stages]


def _changes(configuration: Configuration) -> Overrides:
    """What differs from params.yaml, with faces named so that the temporary copy finds them.

    A stage's output such as the sample faces is made in the copy; anything else stays where it
    is, outside of what git and DVC carry, and needs its whole path.
    """
    source = Path(configuration.params.data.source)
    if source == layout.SAMPLE:
        return configuration.changes
    return merge(configuration.changes, {"data": {"source": str(source.resolve())}})


def quote(value: Any) -> str:
    """A value as `dvc exp run -S` reads it (Hydra's grammar): texts quoted, so that they stay."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, Sequence):
        return "[" + ",".join(quote(item) for item in value) + "]"
    return repr(value)


def environment() -> dict[str, str]:
    """This process's, so that stages call the Python that runs this, unbuffered."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}


def git(*arguments: str) -> str | None:
    """What git prints, without the last line's end; None if it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 (git on PATH)
    return done.stdout.strip() if done.returncode == 0 else None


def _move(old: str, new: str) -> None:
    if revision := git("rev-parse", "--quiet", "--verify", old):
        git("update-ref", new, revision)
        git("update-ref", "-d", old)


def _reference(name: str) -> str:
    """Where DVC keeps an experiment of the current commit."""
    from dvc.repo.experiments.refs import ExpRefInfo

    return str(ExpRefInfo(revision(), name))


def _committed(revision: str) -> float:
    return float(git("log", "-1", "--format=%ct", revision) or 0)


def _newest(source: Path) -> float:
    """When faces outside of the study changed last, in seconds since the epoch."""
    if source == layout.SAMPLE:
        return 0.0
    files: Iterable[Path] = source.rglob("*") if source.is_dir() else [source]
    return max((path.stat().st_mtime for path in files), default=0.0)
