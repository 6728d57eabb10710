"""From the spool into MLflow: runs, their metrics, files, data and models, in order, at least once.

What a run's folder holds decides what its MLflow run holds, whatever the stage is called; nothing
here knows a stage by its name.
"""

import csv
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.dotted_keys import flatten
from pipeline.record.address import Address, digest
from pipeline.record.made_by import NAME as MADE_BY
from pipeline.record.mlflow_store import Metric, Store, connect, is_final, is_temporary
from pipeline.record.recorder import entries_of, one_line
from pipeline.record.reproduction import Reproduction
from pipeline.record.spool import CLASSIFIER, FILES, LIVE, End, Entry, Parent, Run, Spool

ATTEMPTS = 4
"""How often a part of a run is offered to an MLflow that answers, before the rest goes on alone."""

PARENT = "mlflow.parentRunId"

logger = logging.getLogger(__name__)


@dataclass
class _Progress:
    """What MLflow has of one run. It is lost with this process: then all is uploaded again."""

    done: set[str] = field(default_factory=set)
    read: int = 0
    tags: dict[str, str] = field(default_factory=dict)


class Uploader:
    """Uploads a workspace's spool to one MLflow."""

    def __init__(self, spool: Spool, address: Address) -> None:
        self.spool, self.address = spool, address
        self._store: Store | None = None
        self._runs: dict[str, str] = {}
        self._progress: dict[Path, _Progress] = {}
        self._refusals: Counter[tuple[Path, str]] = Counter()

    @property
    def store(self) -> Store:
        """MLflow, once it answers."""
        self._store = self._store or connect(self.address, self.spool.root)
        return self._store

    def upload_all(self) -> None:
        """Upload once what every run has; one that fails does not hold up the others.

        Raises:
            Exception: MLflow is away, or did not take something; it is offered again next time.
        """
        problem: Exception | None = None
        waiting: set[str] = set()  # trainings whose earlier process comes first
        for entry, run in entries_of(self.spool, self.address):
            if problem and not self.store.answers():
                break
            try:
                if run.identity in waiting or not self.upload(entry):
                    waiting.add(run.identity)
            except Exception as error:
                logger.exception("%s (%s)", run.stage, run.identity)
                waiting.add(run.identity)
                problem = error
        if problem:
            raise problem
        self._close_parents()

    def upload(self, entry: Entry) -> bool:
        """Upload what is new of a run, and remove it from the spool once it is complete.

        Returns:
            Whether it is complete.
        """
        is_alive = entry.read().process.is_alive  # asked before reading: nothing is written after
        run = entry.read()
        upload = _Upload(self, entry, run, self._progress.setdefault(entry.folder, _Progress()))
        self._offer(upload, "begin", upload.begin)
        self._offer(upload, "params", upload.params)
        upload.progress.done.discard("live")
        self._offer(upload, "live", upload.live)
        if run.tags != upload.progress.tags:
            self.store.log_tags(upload.mlflow_run, run.tags)
            upload.progress.tags = run.tags
        if run.end is None and is_alive:
            return False
        for name in ("metrics", "files", "parent", "data", "model"):
            self._offer(upload, name, getattr(upload, name))
        upload.close(run.end or End(status="KILLED", ended=entry.last_written()))
        entry.remove()
        del self._progress[entry.folder]
        return True

    def _offer(self, upload: "_Upload", part: str, do: Callable[[], None]) -> None:
        """Upload a part unless that is done; what MLflow keeps refusing is left out and noted."""
        progress = upload.progress
        if part in progress.done:
            return
        try:
            do()
        except Exception as error:
            # The run may have been deleted in MLflow: the next attempt makes another, from nothing.
            self._runs.clear()
            self._progress.pop(upload.entry.folder, None)
            if part == "begin" or is_temporary(error) or not self.store.answers():
                raise
            place = (upload.entry.folder, part)
            # What is refused for good is tried once more, in case that the run was deleted.
            self._refusals[place] += ATTEMPTS // 2 if is_final(error) else 1
            if self._refusals[place] < ATTEMPTS:
                raise
            logger.exception("%s: left out: %s", upload.run.stage, part)
            self._progress[upload.entry.folder] = progress
            self.store.log_tags(upload.mlflow_run, {f"left_out.{part}": one_line(error)})
        progress.done.add(part)

    def _close_parents(self) -> None:
        """Close the parent runs of all reproductions that are over and have no stage left here."""
        over = [each for each in self.spool.parents(self.address) if each.ending(self.spool)]
        busy = {run.reproduction.key for _, run in self.spool.entries() if run.reproduction}
        for parent in over:
            if parent.reproduction.key not in busy and (end := parent.ending(self.spool)):
                if self.store.find(digest(parent.reproduction.key)):
                    self.store.close(parent.run, *end)
                self.spool.drop_parent(self.address, parent)

    def find_or_create(self, identity: str, name: str, run: Run, tags: dict[str, str]) -> str:
        """The id of the MLflow run with an identity."""
        if identity not in self._runs:
            found = self.store.find(identity)
            self._runs[identity] = found or self.store.create(identity, name, run.started, tags)
        return self._runs[identity]


@dataclass
class _Upload:
    """One run on its way."""

    uploader: Uploader
    entry: Entry
    run: Run
    progress: _Progress

    @property
    def store(self) -> Store:
        return self.uploader.store

    @property
    def files_folder(self) -> Path:
        return self.entry.folder / FILES

    @property
    def mlflow_run(self) -> str:
        tags = {**_origin(self.run), **self.run.tags, "stage": self.run.stage}
        return self.uploader.find_or_create(self.run.identity, self.run.stage, self.run, tags)

    def parent_run(self, reproduction: Reproduction) -> str:
        """The id of the run that this one is nested in."""
        made = self.run.made
        tags = {
            **{
                key: text
                for key, text in self.run.tags.items()
                if key.startswith(("mlflow.", "dvc."))
            },
            **_origin(self.run),
            **{f"version.{name}": text for name, text in made.get("versions", {}).items()},
            **made.get("machine", {}),
            "reproduction": reproduction.key,
            "mlflow.source.name": "dvc.yaml",
        }
        if reproduction.group and (group := self.store.find(reproduction.group)):
            tags |= {PARENT: group}
        key = digest(reproduction.key)
        return self.uploader.find_or_create(key, reproduction.name, self.run, tags)

    def begin(self) -> None:
        """Open the run, and the one it is nested in."""
        tags = _origin(self.run)
        if reproduction := self.run.reproduction:
            parent = self.parent_run(reproduction)
            self.store.reopen(parent)
            self.note(run=parent, experiment=self.store.experiment, reproduction=reproduction)
            # A run that is resumed moves to the reproduction that finishes it.
            tags[PARENT] = parent
        self.store.reopen(self.mlflow_run)
        self.store.log_tags(self.mlflow_run, tags)
        self.entry.mark_begun()

    def params(self) -> None:
        self.store.log_params(self.mlflow_run, self.run.params)

    def live(self) -> None:
        """Epochs that came since the last look."""
        rows = list(self.entry.read_live(self.progress.read))
        self.store.log_metrics(
            self.mlflow_run,
            [
                Metric(name, value, row["time"], row["step"])
                for row, _ in rows
                for name, value in row["values"].items()
            ],
        )
        if rows:
            self.progress.read = rows[-1][1]

    def metrics(self) -> None:
        """The numbers of metrics.json and of the shell; of history.csv if nothing was live."""
        self.store.log_metrics(
            self.mlflow_run, self._final({**self._numbers(), **self.run.metrics})
        )
        if not (self.entry.folder / LIVE).exists():
            self.store.log_metrics(self.mlflow_run, self._history())

    def files(self) -> None:
        if self.files_folder.is_dir():
            self.store.log_file(self.mlflow_run, self.files_folder)

    def parent(self) -> None:
        """What dvc.yaml wants to be shown in the parent run, and which data that is of."""
        reproduction, shown = self.run.reproduction, self.run.meta.get("parent") or {}
        if not reproduction:
            return
        parent, numbers = self.parent_run(reproduction), self._numbers()
        wanted = {name: numbers[name] for name in shown.get("metrics", ()) if name in numbers}
        self.store.log_metrics(parent, self._final(wanted))
        for name in shown.get("files", ()):
            if (path := self.files_folder / Path(name).name).is_file():
                self.store.log_file(parent, path)
        if data := _data_tag(self._made()):
            self.store.log_tags(parent, data)
            self.store.log_tags(self.mlflow_run, data)

    def data(self) -> None:
        """The files that the faces are from, with their md5."""
        data = self._made().get("data") or {}
        files = data.get("md5") or {}
        self.store.log_datasets(self.mlflow_run, data.get("source", ""), files, self.run.stage)

    def model(self) -> None:
        """Register a trained classifier that dvc.yaml names."""
        wanted, reproduction = self.run.meta.get("model"), self.run.reproduction
        # One arm of a grid is no candidate for the best; its weights are among its files.
        if not wanted or "measured_on" not in wanted or (reproduction and reproduction.group):
            return
        from pipeline.record import models

        scores = flatten(json.loads((self.files_folder / wanted["scores"]).read_text("utf-8")))
        measure = wanted["measure"]
        verdict = models.register(
            self.store,
            self.files_folder / CLASSIFIER,
            run=self.mlflow_run,
            name=wanted["name"],
            measured=models.Measured(
                accuracy=scores[f"{measure}.accuracy"],
                low=scores[f"{measure}.accuracy_interval.low"],
                high=scores[f"{measure}.accuracy_interval.high"],
                measured_on=wanted["measured_on"],
            ),
            event=self.entry.folder.name,
        )
        self.store.log_tags(self.mlflow_run, {"gate": verdict})
        if reproduction:
            self.store.log_tags(self.parent_run(reproduction), {"gate": verdict})
            self.note(gate=verdict)

    def close(self, end: End) -> None:
        if end.error:
            self.store.log_tags(self.mlflow_run, {"error": end.error})
        self.store.close(self.mlflow_run, end.status, end.ended)
        if (reproduction := self.run.reproduction) and (known := self._known(reproduction)):
            stages = {**known.stages, self.run.stage: end.status}
            self.note(stages=stages, last=max(end.ended, known.last or 0))

    def note(self, **values: Any) -> None:
        """Write down what is known of the open parent run."""
        if reproduction := self.run.reproduction:
            known = self._known(reproduction)
            parent = known.model_copy(update=values) if known else Parent(**values)
            self.uploader.spool.write_parent(self.uploader.address, parent)

    def _known(self, reproduction: Reproduction) -> Parent | None:
        return self.uploader.spool.find_parent(self.uploader.address, reproduction.key)

    def _made(self) -> dict[str, Any]:
        """What made the results: as the stage said at its end, or before that at its start."""
        found = _read_json(self.files_folder / MADE_BY)
        return found or self.run.made

    def _numbers(self) -> dict[str, float]:
        flat = flatten(_read_json(self.files_folder / "metrics.json"))
        return {name: float(value) for name, value in flat.items() if _is_number(value)}

    def _final(self, values: dict[str, float]) -> list[Metric]:
        time = self.run.end.ended if self.run.end else self.entry.last_written()
        return [Metric(name, value, time, 0) for name, value in values.items()]

    def _history(self) -> list[Metric]:
        path = self.files_folder / "history.csv"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        time = self.run.end.ended if self.run.end else self.entry.last_written()
        return [
            Metric(name, float(text), time, int(row["epoch"]))
            for row in rows if "epoch" in row
            for name, text in row.items() if name != "epoch" and text
        ]  # fmt: skip


def _origin(run: Run) -> dict[str, str]:
    """The tags that say what a run was made from; MLflow's page shows the commit by its own."""
    git = run.made.get("git")
    revision = (
        dict.fromkeys(("git.revision", "mlflow.source.git.commit"), git["revision"]) if git else {}
    )
    dirty = {"git.dirty": str(git["dirty"]).lower()} if git else {}
    return {**revision, **dirty, **_data_tag(run.made)}


def _data_tag(made: dict[str, Any]) -> dict[str, str]:
    files = (made.get("data") or {}).get("md5") or {}
    text = ", ".join(f"{name} {md5}" for name, md5 in sorted(files.items()))
    return {"data.md5": text} if text else {}


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
