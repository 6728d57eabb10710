"""One run of the spool as MLflow shows it: params, tags, metrics, files, data, and a model.

What the run's folder holds decides what its MLflow run holds; nothing here knows a stage by its
name. Each part may be uploaded twice.
"""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import disk
from pipeline.dotted_keys import flatten
from pipeline.record.address import digest
from pipeline.record.made_by import NAME as MADE_BY
from pipeline.record.mlflow_store import Metric, Store
from pipeline.record.parent import Parent
from pipeline.record.spool import CLASSIFIER, FILES, LIVE, Entry, Run
from pipeline.statistics.champion import Measured

PARENT = "mlflow.parentRunId"


@dataclass
class Projection:
    """One run on its way.

    Args:
        store: which MLflow.
        entry: the run's folder, as it was last read.
        parent_file: where the recorder notes what it knows of the parent run; None without one.
    """

    store: Store
    entry: Entry
    parent_file: Path | None
    _run: str = ""
    _parent: str = ""
    _read: int = 0
    _tags: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Open the run, and the one it is nested in."""
        run = self.entry.run
        tags = {**_origin(run), "stage": run.stage}
        if reproduction := run.reproduction:
            shared = {key: text for key, text in run.tags.items() if "." in key}
            of_parent = {
                **_origin(run), **shared, **_machine(run), "mlflow.source.name": "dvc.yaml",
                "reproduction": reproduction.key,
            }  # fmt: skip
            if reproduction.group and (group := self.store.find(reproduction.group)):
                of_parent[PARENT] = group
            key, name = digest(reproduction.key), reproduction.name
            self._parent = self.store.open(key, name, run.started, of_parent)
            self._note(reproduction=reproduction)
            # A run that is resumed moves to the reproduction that finishes it.
            tags[PARENT] = self._parent
        self._run = self.store.open(run.identity, run.stage, run.started, tags)
        self.tag(tags)
        self.store.log_params(self._run, run.params)

    def go_on(self) -> None:
        """Epochs and tags that came since the last look."""
        rows = list(self.entry.read_live(self._read))
        metrics = [
            Metric(name, value, row["time"], row["step"])
            for row, _ in rows
            for name, value in row["values"].items()
        ]
        self.store.log_metrics(self._run, metrics)
        self._read = rows[-1][1] if rows else self._read
        if self._tags != self.entry.run.tags:
            self.tag(self.entry.run.tags)
            self._tags = self.entry.run.tags

    def tag(self, values: dict[str, str]) -> None:
        """Set tags."""
        self.store.log_tags(self._run, values)

    @property
    def results(self) -> tuple[Callable[[], None], ...]:
        """What is uploaded at the end; a model gets the metrics that its run has by then."""
        return self.metrics, self.history, self.files, self.data, self.model

    def metrics(self) -> None:
        """The numbers of metrics.json and of the shell, and those for the parent run."""
        flat = flatten(self._read_json("metrics.json"))
        numbers = {name: float(value) for name, value in flat.items() if _is_number(value)}
        self._log({**numbers, **self.entry.run.metrics}, self._run)
        shared = self._shared("metrics")
        self._log({key: numbers[key] for key in shared if key in numbers}, self._parent)

    def history(self) -> None:
        """The epochs of history.csv, if nothing was live."""
        path = self.entry.folder / FILES / "history.csv"
        if path.is_file() and not (self.entry.folder / LIVE).exists():
            rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            metrics = [
                Metric(name, float(text), self.entry.ended, int(row["epoch"]))
                for row in rows if row.get("epoch")
                for name, text in row.items() if name != "epoch" and text
            ]  # fmt: skip
            self.store.log_metrics(self._run, metrics)

    def files(self) -> None:
        """All that was kept, and what the parent run shows."""
        folder = self.entry.folder / FILES
        if folder.is_dir():
            self.store.log_files(self._run, folder)
        for name in self._shared("files"):
            if (path := folder / Path(name).name).is_file():
                self.store.log_files(self._parent, path)

    def data(self) -> None:
        """The files that the faces are from, with their md5, as known at the stage's end."""
        made = self._read_json(MADE_BY) or self.entry.run.made
        data = made.get("data") or {}
        source, files = data.get("source", ""), data.get("md5") or {}
        self.store.log_datasets(self._run, source, files, self.entry.run.stage)
        for run in self._both():
            self.store.log_tags(run, _data_tag(made))

    def model(self) -> None:
        """Register a trained classifier that dvc.yaml names and that is there."""
        run = self.entry.run
        wanted = run.meta.get("model") or {}
        # One arm of a grid is no candidate for the best; its weights are among its files.
        if "measured_on" not in wanted or (run.reproduction and run.reproduction.group):
            return
        from pipeline.serving import registry

        scores, measure = flatten(self._read_json(wanted["scores"])), wanted["measure"]
        accuracy, interval = scores[f"{measure}.accuracy"], f"{measure}.accuracy_interval"
        ends = scores[f"{interval}.low"], scores[f"{interval}.high"]
        verdict = registry.register(
            self.store,
            self.entry.folder / FILES / CLASSIFIER,
            run=self._run,
            name=wanted["name"],
            measured=Measured(accuracy, *ends, wanted["measured_on"]),
            event=self.entry.folder.name,
        )
        for each in self._both():
            self.store.log_tags(each, {"gate": verdict})
        self._note(gate=verdict)

    def close(self) -> None:
        """End the run; a stage that has vanished was killed."""
        end = self.entry.run.end
        if end and end.error:
            self.tag({"error": end.error})
        status, ended = end.status if end else "KILLED", self.entry.ended
        self.store.close(self._run, status, ended)
        if known := self._note():
            self._note(stages={**known.stages, self.entry.run.stage: status}, last=ended)

    def _note(self, **values: Any) -> Parent | None:
        """Write down what is known of the open parent run."""
        if not self.parent_file:
            return None
        ours = {"run": self._parent, "experiment": self.store.experiment}
        known = Parent.read(self.parent_file)
        parent = Parent(**{**(dict(known) if known else {}), **ours, **values})
        disk.write_text(self.parent_file, parent.model_dump_json())
        return parent

    def _both(self) -> Iterator[str]:
        """The run, and the one that it is nested in."""
        return filter(None, (self._run, self._parent))

    def _shared(self, kind: str) -> list[str]:
        """What dvc.yaml wants to be shown in the parent run, if there is one."""
        meta = self.entry.run.meta.get("parent") or {}
        return list(meta.get(kind, ())) if self._parent else []

    def _log(self, values: dict[str, float], run: str) -> None:
        ended = self.entry.ended
        self.store.log_metrics(run, [Metric(name, values[name], ended, 0) for name in values])

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.entry.folder / FILES / name
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _origin(run: Run) -> dict[str, str]:
    """What a run was made from; MLflow's page shows the commit by a name of its own."""
    tags = _data_tag(run.made)
    if git := run.made.get("git"):
        tags["git.revision"] = tags["mlflow.source.git.commit"] = git["revision"]
        tags["git.dirty"] = str(git["dirty"]).lower()
    return tags


def _machine(run: Run) -> dict[str, str]:
    versions = {f"version.{key}": text for key, text in run.made.get("versions", {}).items()}
    return {**versions, **run.made.get("machine", {})}


def _data_tag(made: dict[str, Any]) -> dict[str, str]:
    files = (made.get("data") or {}).get("md5") or {}
    text = ", ".join(f"{name} {md5}" for name, md5 in sorted(files.items()))
    return {"data.md5": text} if text else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
