"""One run of the spool as MLflow shows it: params, tags, metrics, files, data, and a model.

What the run's folder holds decides what its MLflow run holds; nothing here knows a stage by its
name. Each part may be uploaded twice.
"""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import disk
from pipeline.dotted_keys import flatten
from pipeline.record.address import digest
from pipeline.record.made_by import NAME as MADE_BY
from pipeline.record.mlflow_store import Store
from pipeline.record.spool import CLASSIFIER, FILES, LIVE, Entry, Parent, Run, read
from pipeline.statistics.champion import Measured

PARENT = "mlflow.parentRunId"


class Projection:
    """One run on its way; it begins open in MLflow, as does the run that it is nested in.

    Args:
        store: which MLflow.
        entry: the run's folder, as it was last read.
        parent_file: where the recorder notes what it knows of the parent run; None without one.
    """

    def __init__(self, store: Store, entry: Entry, parent_file: Path | None) -> None:
        run = entry.run
        self.store, self.entry, self.parent_file = store, entry, parent_file
        self._read, self._tags = 0, run.tags
        self._parent = self._open_parent(run)
        tags = {**_origin(run), **run.tags, "stage": run.stage}
        if self._parent:  # a run that is resumed moves to the reproduction that finishes it
            tags[PARENT] = self._parent
        self._run = store.open(run.identity, run.stage, run.started)
        self.tag(tags)
        store.log_params(self._run, run.params)

    def _open_parent(self, run: Run) -> str:
        """The parent run's id in MLflow; empty without one."""
        if not (reproduction := run.reproduction):
            return ""
        versions = {f"version.{key}": text for key, text in run.made.get("versions", {}).items()}
        tags = {
            **_origin(run), **{key: run.tags[key] for key in run.tags if "." in key}, **versions,
            **run.made.get("machine", {}), "mlflow.source.name": "dvc.yaml",
            "reproduction": reproduction.key,
        }  # fmt: skip
        if reproduction.group and (group := self.store.find(reproduction.group)):
            tags[PARENT] = group
        key = digest(reproduction.key)
        parent = self.store.open(key, reproduction.name, run.started)
        self.store.log_tags(parent, tags)
        self._note(reproduction=reproduction, run=parent, experiment=self.store.experiment)
        return parent

    def go_on(self, entry: Entry) -> None:
        """Epochs and tags that came since the last look."""
        self.entry = entry
        rows = entry.read_live(self._read)
        metrics = [
            (name, value, row["time"], row["step"])
            for row in rows
            for name, value in row["values"].items()
        ]
        self.store.log_metrics(self._run, metrics)
        self._read += len(rows)
        if self._tags != entry.run.tags:
            self.tag(entry.run.tags)
            self._tags = entry.run.tags

    def tag(self, values: Mapping[str, str]) -> None:
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
        self._log(self._run, {**numbers, **self.entry.run.metrics})
        shared = [name for name in self._shared("metrics") if name in numbers]
        self._log(self._parent, {name: numbers[name] for name in shared})

    def history(self) -> None:
        """The epochs of history.csv, if nothing was live."""
        path = self.entry.folder / FILES / "history.csv"
        if path.is_file() and not (self.entry.folder / LIVE).exists():
            rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            metrics = [
                (name, float(text), self.entry.ended, int(row["epoch"]))
                for row in rows if row.get("epoch")
                for name, text in row.items() if name != "epoch" and text
            ]  # fmt: skip
            self.store.log_metrics(self._run, metrics)

    def files(self) -> None:
        """All that was kept, and what the parent run shows."""
        folder = self.entry.folder / FILES
        if folder.is_dir():
            self.store.client.log_artifacts(self._run, str(folder))
        for name in self._shared("files"):
            if (path := folder / Path(name).name).is_file():
                self.store.client.log_artifact(self._parent, str(path))

    def data(self) -> None:
        """The files that the faces are from, with their md5, as known at the stage's end."""
        made = self._read_json(MADE_BY) or self.entry.run.made
        data = made.get("data") or {}
        source, files = data.get("source", ""), data.get("md5") or {}
        self.store.log_datasets(self._run, source, files, self.entry.run.stage)
        self._tag_both(_data_tag(made))

    def model(self) -> None:
        """Register a trained classifier that dvc.yaml names and that is there."""
        run = self.entry.run
        wanted = run.meta.get("model") or {}
        # One arm of a grid is no candidate for the best; its weights are among its files.
        if "measured_on" not in wanted or (run.reproduction and run.reproduction.group):
            return
        from pipeline.record import registry

        scores, measure = flatten(self._read_json(wanted["scores"])), wanted["measure"]
        accuracy, low, high = (
            scores[f"{measure}.{key}"]
            for key in ("accuracy", "accuracy_interval.low", "accuracy_interval.high")
        )
        verdict = registry.register(
            self.store,
            self.entry.folder / FILES / CLASSIFIER,
            run=self._run,
            name=wanted["name"],
            measured=Measured(accuracy, low, high, wanted["measured_on"]),
            event=run.identity,
        )
        self._tag_both({"gate": verdict})
        self._note(gate=verdict)

    def close(self) -> None:
        """End the run; a stage that has vanished was killed."""
        end = self.entry.run.end
        if end and end.error:
            self.tag({"error": end.error})
        elif "error" in self.store.client.get_run(self._run).data.tags:
            # Of a process that was stopped, and whose training this one has ended.
            self.store.client.delete_tag(self._run, "error")
        status, ended = end.status if end else "KILLED", self.entry.ended
        self.store.client.set_terminated(self._run, status, ended)
        self._note(last=ended, stages={self.entry.run.stage: status})

    def _note(self, stages: Mapping[str, str] | None = None, **values: Any) -> None:
        """Write down what is new of the open parent run, if there is one."""
        if self.parent_file:
            known = dict(read(Parent, self.parent_file) or {})
            ended = {**known.get("stages", {}), **(stages or {})}
            parent = Parent.model_validate({**known, **values, "stages": ended})
            disk.write_text(self.parent_file, parent.model_dump_json())

    def _tag_both(self, values: Mapping[str, str]) -> None:
        """Tag the run, and the one that it is nested in."""
        for run in filter(None, (self._run, self._parent)):
            self.store.log_tags(run, values)

    def _shared(self, kind: str) -> list[str]:
        """What dvc.yaml wants to be shown in the parent run, if there is one."""
        meta = self.entry.run.meta.get("parent") or {}
        return list(meta.get(kind, ())) if self._parent else []

    def _log(self, run: str, values: Mapping[str, float]) -> None:
        ended = self.entry.ended
        self.store.log_metrics(run, [(name, values[name], ended, 0) for name in values])

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


def _data_tag(made: Mapping[str, Any]) -> dict[str, str]:
    files = (made.get("data") or {}).get("md5") or {}
    text = ", ".join(f"{name} {md5}" for name, md5 in sorted(files.items()))
    return {"data.md5": text} if text else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
