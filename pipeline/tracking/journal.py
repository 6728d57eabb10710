"""A stage's side of the record.

    with stage_run("train@cnn", params) as journal:
        journal.metrics({"loss": 0.7}, step=1)

Nothing here imports MLflow or waits for it: events go to a file (`writer`), and a process of its
own ships them (`recorder`).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.tracking import places, processes
from pipeline.tracking.declaration import Status
from pipeline.tracking.places import Desk
from pipeline.tracking.reproduction import current_reproduction
from pipeline.tracking.writer import Writer, new_journal

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_ERROR = 500
"""Characters of an error's message that are kept."""

EXAMPLES = 2
"""Faces of a model's input example that are kept."""

ENDED_BY_SIGNAL = (130, 143)
"""Exit statuses that say SIGINT and SIGTERM, as a shell counts them."""


class Journal:
    """What one stage tells the record; safe to use from several threads.

    Args:
        run: 32 hex digits; `stage_run(resume=...)` takes them to go on in the same MLflow run.
        writer: Where the events go; None keeps nothing.
    """

    def __init__(self, run: str, writer: Writer | None) -> None:
        self.run = run
        self._writer = writer

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers: of an epoch or another step, or final ones."""
        self._write("metrics", values=_floats(values), step=step or 0)

    def headline(self, values: Mapping[str, float]) -> None:
        """Log final numbers here and on the parent run, whose row compares reproductions."""
        self._write("headline", values=_floats(values), step=0)

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings; a nested mapping becomes `outer.inner`."""
        self._write("params", values=flatten(values))

    def tags(self, values: Mapping[str, Any]) -> None:
        """Log text that may change later."""
        self._write("tags", values={key: str(value) for key, value in values.items()})

    def artifact(self, path: Path | str, folder: str = "", *, on_parent: bool = False) -> None:
        """Keep a file, or a folder with all in it, as it is now.

        Args:
            path: What to keep.
            folder: Where among the run's artifacts.
            on_parent: Give it to the parent run instead.
        """
        if self._writer:
            kept = self._writer.keep(Path(path))
            self._write("artifact", file=kept, folder=folder, on_parent=on_parent)

    def dataset(self, name: str, source: str, digest: str, rows: int, context: str) -> None:
        """Log which data the stage used.

        Args:
            name: What people call it.
            source: Where it is from.
            digest: Its md5, as DVC writes it.
            rows: Number of faces.
            context: What it was used for, such as `training`.
        """
        self._write("dataset", name=name, source=source, digest=digest, rows=rows, context=context)

    def model(
        self,
        folder: Path | str,
        *,
        example: "NDArray[Any]",
        accuracy: float,
        interval: tuple[float, float],
        measured_on: str,
        name: str = "image-sentiment-cnn",
    ) -> None:
        """Keep a trained classifier and register it in MLflow.

        Args:
            folder: As written by `pipeline.networks.store.save_classifier`.
            example: Faces (N, 1, 48, 48), grey levels 0..255; the first two are the input example.
            accuracy: 0..1. The version with the highest is `best`; among equals, the newest.
            interval: its ends, 95 %.
            measured_on: Digest of the faces that gave it; only accuracies on the same compare.
            name: The registered model.
        """
        if self._writer:
            kept = self._writer.keep(Path(folder))
            faces = example[:EXAMPLES].tolist()
            self._write(
                "model", folder=kept, example=faces, accuracy=float(accuracy),
                interval=[float(end) for end in interval], measured_on=measured_on, name=name,
            )  # fmt: skip

    def _write(self, event: str, **values: Any) -> None:
        if self._writer:
            self._writer.write(event, **values)


@contextmanager
def stage_run(
    name: str, params: Mapping[str, Any], *, resume: str | None = None, alone: bool = False
) -> Iterator[Journal]:
    """Record a stage: a run of its own in MLflow, nested in the run of the reproduction.

    The run becomes FINISHED, or FAILED if the block raises, or KILLED if it is interrupted or its
    process vanishes.

    Args:
        name: The run's name: the DVC stage's, such as `train@cnn`.
        params: The stage's settings; a nested mapping becomes `outer.inner`.
        resume: A former journal's `run`, to go on in the same MLflow run.
        alone: Nest it in nothing; reproductions whose environment has its `run` as `STUDY_GROUP`
            are nested in it.
    """
    run = resume or os.urandom(16).hex()
    if places.is_off():
        yield Journal(run, None)
        return
    desk = Desk(places.find_root())
    address = places.find_address(desk.root)
    with new_journal(desk, address, run) as writer:
        writer.write(
            "begin", **_opening(desk, name, alone), run=run, address=asdict(address.public)
        )
        journal = Journal(run, writer)
        journal.params(params)
        try:
            yield journal
        except BaseException as error:
            writer.write("end", **_ending(error))
            raise
        else:
            writer.write("end", status="FINISHED", error=None)
        finally:
            writer.look_after_recorder()


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level of keys for a nested mapping: `{"a": {"b": 1}}` becomes `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _opening(desk: Desk, name: str, alone: bool) -> dict[str, Any]:
    from pipeline.tracking.provenance import provenance  # 35 ms, which a mere import shall not cost

    return {
        "name": name,
        "process": asdict(processes.this_process()),
        "reproduction": None if alone else asdict(current_reproduction(desk, name)),
        "provenance": provenance(Path.cwd(), running=name),
    }


def _ending(error: BaseException) -> dict[str, str | None]:
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return {"status": "FINISHED", "error": None}
    text = places.without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))
    return {"status": _status(error), "error": text[:LONGEST_ERROR]}


def _status(error: BaseException) -> Status:
    if isinstance(error, SystemExit):
        return "KILLED" if error.code in ENDED_BY_SIGNAL else "FAILED"
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items()}
