"""MLflow as the recorder sees it: runs that are found again by a tag, and what is put into them.

Every call here may be repeated without harm, so that an interrupted recorder can start over.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.record.address import digest, without_secrets

IDENTITY = "study.id"
"""The tag that a run is found by."""

KIND, MODELS = "mlflow.experimentKind", "custom_model_development"
"""The tag, and its value, with which MLflow's page opens the view for trained models."""

LONGEST_NAME = 250
"""Characters that MLflow takes; longer values it cuts itself."""

Metric = tuple[str, float, int, int]
"""Name; value, which may be non-finite; time in milliseconds since the epoch; step."""


def prepare_environment() -> None:
    """Set before MLflow is imported; what the user set stays."""
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        # The bar would appear among a command's own lines.
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # Models are exported graphs here; no pickle is to be opened along the way.
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        # The recorder tries again itself; left alone, one call to a dead server takes minutes.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    }.items():
        os.environ.setdefault(name, value)


def connect(uri: str, name: str, root: Path) -> "Store":
    """Open an experiment of an MLflow, and make that and the database if need be.

    The lock is for workspaces that share an address: of several processes that create one
    database at once, all but one crash.
    """
    prepare_environment()
    import mlflow

    mlflow.set_tracking_uri(uri)  # logging a model has no argument for it
    with FileLock(_creation_lock(uri, root)):
        client = mlflow.MlflowClient(uri)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            database = database_of(uri, root)
            # Beside it, whatever folder a process runs in; a server knows its own place.
            place = (database.parent / "mlruns" / name).as_uri() if database else None
            return Store(client, client.create_experiment(name, place, {KIND: MODELS}))
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
    if "inferred" in experiment.tags.get(KIND, "inferred"):  # and not chosen by a person
        with suppress(mlflow.MlflowException):  # whoever may only read it does without
            client.set_experiment_tag(experiment.experiment_id, KIND, MODELS)
    return Store(client, experiment.experiment_id)


def is_temporary(error: Exception) -> bool:
    """Whether trying again later can help: the database is busy, the disk full, access denied."""
    return getattr(error, "error_code", None) in (
        "TEMPORARILY_UNAVAILABLE",
        "REQUEST_LIMIT_EXCEEDED",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
    ) or (isinstance(error, OSError) and not isinstance(error, FileNotFoundError))


@dataclass(frozen=True)
class Store:
    """One experiment of one MLflow."""

    client: Any
    experiment: str

    def answers(self) -> bool:
        """Whether MLflow can be reached."""
        try:
            self.client.get_experiment(self.experiment)
        except Exception:  # whatever it is, there is no answer
            return False
        return True

    def find(self, identity: str) -> str | None:
        """The id of the run with an identity."""
        query = f"tags.`{IDENTITY}` = '{identity}'"
        runs = self.client.search_runs([self.experiment], query, max_results=1)
        return runs[0].info.run_id if runs else None

    def open(self, identity: str, name: str, started: int) -> str:
        """Go on with the run with an identity, whatever its status, or begin it; returns its id."""
        if run := self.find(identity):
            self.client.update_run(run, "RUNNING")
            return run
        run = self.client.create_run(self.experiment, started, {IDENTITY: identity}, name)
        return str(run.info.run_id)

    def log_params(self, run: str, values: Mapping[str, str]) -> None:
        """Log params; those that the run has stay, as MLflow lets none be changed."""
        from mlflow.entities import Param

        known = self.client.get_run(run).data.params
        texts = {_name(key): text for key, text in values.items()}
        fresh = [Param(key, text) for key, text in texts.items() if key not in known]
        self.client.log_batch(run, params=fresh)

    def log_tags(self, run: str, values: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        tags = [RunTag(_name(key), text) for key, text in values.items()]
        self.client.log_batch(run, tags=tags)

    def log_metrics(self, run: str, values: Sequence[Metric]) -> None:
        """Log numbers; MLflow keeps one of several with the same name, step, time and value."""
        from mlflow import entities

        metrics = [entities.Metric(_name(name), *rest) for name, *rest in values]
        self.client.log_batch(run, metrics=metrics)

    def log_datasets(self, run: str, source: str, files: Mapping[str, str], context: str) -> None:
        """Note which files, by name and md5, a run's data are from, and what used them."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        tags = [InputTag("mlflow.data.context", context)]
        place = json.dumps({"uri": source})
        datasets = [
            DatasetInput(Dataset(name, md5[:36], source_type="local", source=place), tags)
            for name, md5 in files.items()
        ]
        if datasets:
            self.client.log_inputs(run, datasets)


def database_of(uri: str, root: Path) -> Path | None:
    """The file of an SQLite address; None for other ones."""
    found = re.match(r"sqlite(?:\+\w+)?:///([^?]+)", uri)
    return root / found[1] if found else None


def _creation_lock(uri: str, root: Path) -> Path:
    if database := database_of(uri, root):
        database.parent.mkdir(parents=True, exist_ok=True)
        return database.with_name(database.name + ".lock")
    known = digest(without_secrets(uri))
    return Path(tempfile.gettempdir()) / f"image-sentiment-{os.getuid()}-{known}.lock"


def _name(text: str) -> str:
    """The text with what MLflow does not allow in a name replaced: it takes names for paths."""
    parts = re.sub(r"[^\w\-. :/]", "_", text)[:LONGEST_NAME].split("/")
    return "/".join(part for part in parts if part.strip(".")) or "_"
