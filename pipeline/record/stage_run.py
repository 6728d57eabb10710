"""A stage's side of the record: how it began and ended, live metrics, and its results.

Nothing here imports MLflow or waits for it: files go to the spool, and the recorder uploads them.
"""

import getpass
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pipeline import layout
from pipeline.record import address
from pipeline.record.recorder import summon
from pipeline.record.reproduction import Process, Status, current_reproduction
from pipeline.record.spool import CLASSIFIER, End, Entry, Run, Spool

LONGEST_ERROR = 500
"""Characters of an error's message that are kept."""

ENDED_BY_SIGNAL = (130, 143)
"""Exit statuses that say SIGINT and SIGTERM, as a shell counts them."""

LOOK_AFTER = 30.0
"""Seconds between two looks whether the recorder is still alive, in a long training."""


class StageRun:
    """What a stage may say while it works; without an entry in the spool nothing is kept.

    Args:
        identity: 32 hex digits; `stage_run(resume=...)` takes them to go on in the same MLflow run.
        spool: where.
        entry: the run's folder in it.
        run: what it says so far.
    """

    def __init__(
        self,
        identity: str = "",
        spool: Spool | None = None,
        entry: Entry | None = None,
        run: Run | None = None,
    ) -> None:
        self.identity, self._spool, self._entry, self._run = identity, spool, entry, run
        self._looked = time.monotonic()

    def live(self, values: Mapping[str, float], step: int) -> None:
        """Show metrics of an epoch while the training goes on."""
        if self._entry:
            self._entry.add_live({key: float(value) for key, value in values.items()}, step)
            if time.monotonic() - self._looked > LOOK_AFTER:
                self.look_after_recorder()

    def tag(self, values: Mapping[str, str]) -> None:
        """Say on what it runs."""
        if self._run:
            self._run.tags |= values
            self._write()

    def measure(self, values: Mapping[str, float]) -> None:
        """Keep final numbers beside those of the stage's metrics.json."""
        if self._run:
            self._run.metrics |= values

    def keep(self, path: Path, folder: str = "") -> None:
        """Keep a file, or all that lies in a folder, as it is now."""
        if self._entry:
            self._entry.keep(path, folder)

    def keep_results(self) -> None:
        """Keep the stage's folder of artifacts/, and the model that dvc.yaml names."""
        if not self._run:
            return
        if (folder := layout.folder(self._run.stage)).is_dir():
            self.keep(folder)
        for name in (self._run.meta.get("parent") or {}).get("files", ()):
            self.keep(Path(name))
        if model := self._run.meta.get("model"):
            weights, faces = ([Path(name) for name in model[key]] for key in ("files", "faces"))
            if all(path.is_file() for path in [*weights, *faces]):
                for path in weights:
                    self.keep(path, CLASSIFIER)
                # Accuracies on the same faces compare: known by the files that chose them.
                sums = " ".join(_md5(path) for path in faces)
                self._run.meta["model"] = {**model, "measured_on": address.digest(sums)}

    def end(self, error: BaseException | None = None) -> None:
        """Write down how it ended."""
        if self._run:
            self._run.end = _end(error)
            self._write()

    def look_after_recorder(self) -> None:
        """Start a recorder if none is alive. Comes after writing: it may be about to leave."""
        self._looked = time.monotonic()
        if self._spool and self._run:
            summon(self._spool, self._run.address.private)

    def _write(self) -> None:
        if self._entry and self._run:
            self._entry.write(self._run)


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
        meta: what dvc.yaml says of its record, `pipeline.dvc_yaml.Entry.record`.
        resume: a former `identity`, to go on in the same MLflow run.
        alone: nest it in nothing.
    """
    identity = resume or os.urandom(16).hex()
    if address.is_off():
        yield StageRun(identity)
        return
    spool = Spool(address.find_root())
    run = Run(
        identity=identity,
        stage=name,
        process=Process.of(psutil.Process()),
        address=address.find_address(spool.root).public,
        reproduction=None if alone else current_reproduction(name),
        started=_now(),
        made=dict(made or {}),
        params={key: str(value) for key, value in params.items()},
        meta=dict(meta or {}),
        tags=_program(Path.cwd()),
    )
    recorded = StageRun(identity, spool, spool.new_entry(run), run)
    recorded.look_after_recorder()
    try:
        yield recorded
        recorded.keep_results()
    except BaseException as error:
        recorded.end(error)
        raise
    else:
        recorded.end()
    finally:
        recorded.look_after_recorder()


def _program(folder: Path) -> dict[str, str]:
    """Which file runs, under whose account, in which experiment of DVC; no host's name."""
    file = Path(sys.argv[0])
    try:
        user = {"mlflow.user": getpass.getuser()}
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        user = {}
    name = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
    experiment = os.environ.get("DVC_EXP_NAME")  # set by `dvc exp run`
    return {
        **user,
        **({"dvc.experiment": experiment} if experiment else {}),
        "mlflow.source.name": name.as_posix(),
        "mlflow.source.type": "LOCAL",
    }


def _end(error: BaseException | None) -> End:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return End(status="FINISHED", ended=_now())
    text = address.without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))
    return End(status=_status(error), ended=_now(), error=text[:LONGEST_ERROR])


def _status(error: BaseException) -> Status:
    if isinstance(error, SystemExit):
        return "KILLED" if error.code in ENDED_BY_SIGNAL else "FAILED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()


def _now() -> int:
    return int(time.time() * 1000)
