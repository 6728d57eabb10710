"""A stage's side of the record: how it began and ended, live metrics, and its results.

Nothing here imports MLflow or waits for it: files go to the spool, and the recorder uploads them.
"""

import getpass
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from pipeline import disk, layout
from pipeline.record import address
from pipeline.record.made_by import NAME as MADE_BY
from pipeline.record.recorder import start_recorder
from pipeline.record.reproduction import Process, Status, current_reproduction
from pipeline.record.spool import BEGUN, CLASSIFIER, FILES, LIVE, End, Entry, Run, Spool, now
from pipeline.statistics.champion import name_faces

ENDED_BY_SIGNAL = (130, 143)
"""Exit statuses that say SIGINT and SIGTERM, as a shell counts them."""

LOOK_AFTER = 30.0
"""Seconds between two looks whether the recorder is still alive, in a long training."""


@dataclass
class StageRun:
    """What a stage may say while it works; without an entry in the spool nothing is kept.

    Args:
        identity: 32 hex digits; `stage_run(resume=...)` takes them to go on in the same MLflow run.
        entry: the run's folder.
    """

    identity: str = ""
    entry: Entry | None = None
    _looked: float = field(default_factory=time.monotonic)

    @property
    def refusal(self) -> str:
        """Why MLflow will not take the run as things are; empty if it may."""
        return self.entry.run.address.refusal if self.entry else ""

    def live(self, values: Mapping[str, float], step: int) -> None:
        """Show metrics of an epoch while the training goes on."""
        if not self.entry:
            return
        path, numbers = self.entry.folder / LIVE, {key: float(values[key]) for key in values}
        line = json.dumps({"time": now(), "step": step, "values": numbers})
        with disk.naming(path), path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        if time.monotonic() - self._looked > LOOK_AFTER:
            self._looked = time.monotonic()
            _start_recorder(self.entry.run)

    def tag(self, values: Mapping[str, str]) -> None:
        """Say on what it runs."""
        if self.entry:
            self.entry.run.tags.update(values)
            self.entry.write()

    def wait_until_begun(self, timeout: float) -> bool:
        """Wait until MLflow knows the run, so that others can be nested in it; whether it does."""
        deadline = time.monotonic() + timeout
        while self.entry and not (self.entry.folder / BEGUN).exists():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return self.entry is not None

    def measure(self, values: Mapping[str, float]) -> None:
        """Keep final numbers beside those of the stage's metrics.json."""
        if self.entry:
            self.entry.run.metrics.update(values)

    def keep(self, path: Path, folder: str = "") -> None:
        """Keep a file, or all that lies in a folder, as it is now: DVC may replace it soon.

        It is hard-linked, which costs nothing; the study writes files anew and never into old ones.
        A stage's own folder is kept anyway.
        """
        top = path if path.is_dir() else path.parent
        for source in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = source.relative_to(top)
            hidden = any(part.startswith(".") for part in name.parts)
            if self.entry and source.is_file() and not hidden:
                target = self.entry.folder / FILES / folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with disk.naming(target):
                    _link_or_copy(source, target)


@contextmanager
def stage_run(
    name: str,
    params: Mapping[str, Any],
    *,
    made: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    resume: str | None = None,
    alone: bool = False,
) -> Iterator[StageRun]:
    """Record a stage: a run of its own in MLflow, nested in the run of the reproduction.

    The run becomes FINISHED, or FAILED if the block raises, or KILLED if it is interrupted or its
    process vanishes. A stage that ends well leaves its results to the record.

    Args:
        name: the run's name: the DVC stage's, such as `train@cnn`.
        params: the stage's settings, with dotted names.
        made: what makes its results, from `made_by.describe`.
        meta: what dvc.yaml says of its record, `pipeline.dvc_yaml.StageEntry.record`.
        resume: a former `identity`, to go on in the same MLflow run.
        alone: nest it in nothing.
    """
    identity = resume or os.urandom(16).hex()
    if address.is_off():
        yield StageRun(identity)
        return
    root = address.find_root()
    run = Run(
        identity=identity,
        stage=name,
        process=Process.of(psutil.Process()),
        address=address.find_address(root),
        reproduction=None if alone else current_reproduction(name),
        started=now(),
        made=dict(made or {}),
        params={key: str(value) for key, value in params.items()},
        meta=dict(meta or {}),
        tags=_program(Path.cwd()),
    )
    entry = Spool(root).add(run)
    _start_recorder(run)
    recorded = StageRun(identity, entry)
    try:
        yield recorded
        _keep_results(recorded, entry)
    except BaseException as error:
        run.end = _end(error)
        raise
    else:
        run.end = End(status="FINISHED", ended=now())
    finally:
        entry.write()
        _start_recorder(run)  # after writing: a recorder may be about to leave


def _keep_results(recorded: StageRun, entry: Entry) -> None:
    """Keep the stage's folder of artifacts/, and the files and the model that dvc.yaml names."""
    run = entry.run
    if (folder := layout.folder(run.stage)).is_dir():
        recorded.keep(folder)
        kept = entry.folder / FILES / MADE_BY
        if kept.is_file() and json.loads(kept.read_text("utf-8")).get("run") != run.identity:
            kept.unlink()  # it speaks of other results, or of those that another run has made
    for name in (run.meta.get("parent") or {}).get("files", ()):
        recorded.keep(Path(name))
    if model := run.meta.get("model"):
        weights, faces = ([Path(name) for name in model[key]] for key in ("files", "faces"))
        if all(path.is_file() for path in [*weights, *faces]):
            for path in weights:
                recorded.keep(path, CLASSIFIER)
            model["measured_on"] = name_faces(faces)


def _link_or_copy(source: Path, target: Path) -> None:
    original = source.resolve(strict=True)  # DVC may link an output into its cache
    target.unlink(missing_ok=True)
    try:
        os.link(original, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(original, target)


def _start_recorder(run: Run) -> None:
    # A full disk does not make a stage fail whose run says that it is finished: the spool waits.
    with suppress(OSError):
        start_recorder(Spool(address.find_root()), run.address)


def _program(folder: Path) -> dict[str, str]:
    """Which file runs, under whose account, in which experiment of DVC; no host's name."""
    file = Path(sys.argv[0])
    name = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
    tags = {"mlflow.source.name": name.as_posix(), "mlflow.source.type": "LOCAL"}
    with suppress(KeyError, OSError, ImportError):  # an account without a name, in some containers
        tags["mlflow.user"] = getpass.getuser()
    if experiment := os.environ.get("DVC_EXP_NAME"):  # set by `dvc exp run`
        tags["dvc.experiment"] = experiment
    return tags


def _end(error: BaseException) -> End:
    code = error.code if isinstance(error, SystemExit) else 1
    if code in (None, 0):
        return End(status="FINISHED", ended=now())
    # What is no Exception comes from outside: a Ctrl-C, or a SIGTERM as Prefect raises it.
    killed = code in ENDED_BY_SIGNAL or not isinstance(error, Exception | SystemExit)
    status: Status = "KILLED" if killed else "FAILED"
    return End(status=status, ended=now(), error=address.one_line(error))
