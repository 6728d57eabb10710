"""Event by event from a journal into MLflow, in order and at least once."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pipeline.tracking import declaration, models
from pipeline.tracking.failures import is_final, is_temporary, one_line
from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Address, Desk, digest
from pipeline.tracking.reader import Event, StoredJournal
from pipeline.tracking.reproduction import Reproduction
from pipeline.tracking.store import Store

ATTEMPTS = 4
"""How often an event is offered to an MLflow that answers, before the journal goes on without."""

PARENT = "mlflow.parentRunId"

SOURCE = "mlflow.source.name"
"""What ran: a stage's file, or for a whole reproduction that of all stages."""

logger = logging.getLogger(__name__)


@dataclass
class Shipper:
    """Ships journals to one MLflow."""

    store: Store
    desk: Desk
    address: Address
    _runs: dict[str, str] = field(default_factory=dict)
    _refusals: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def parents(self) -> Parents:
        """The parent runs that are open."""
        return Parents(self.desk, self.address)

    def ship(self, journal: StoredJournal) -> bool:
        """Ship what is new in a journal, and remove it once it is complete.

        Returns:
            Whether the journal is gone.

        Raises:
            Exception: MLflow is away, or did not take an event; it is offered again next time.
        """
        is_alive = journal.process.is_alive  # asked before reading: nothing is written after that
        events = journal.unshipped(self.address)
        for _, group in groupby(events, key=_batch):
            some = list(group)
            self._offer(journal, some)
            if some[-1].kind == "end":
                journal.remove()
                return True
            journal.mark_shipped(self.address, some[-1].end)
        if is_alive:
            return False
        self._close(journal, Event("end", journal.last_written, {"status": "KILLED"}, 0))
        journal.remove()
        return True

    def close_parents(self, busy: set[str]) -> None:
        """Close the parent runs of all reproductions that are over.

        Args:
            busy: Keys of the reproductions that still have journals.
        """
        for key, status, ended in list(self.parents.over(busy)):
            if run := self.store.find(digest(key)):
                self.store.close(run, status, ended)
            self.parents.drop(key)

    def _offer(self, journal: StoredJournal, events: Sequence[Event]) -> None:
        """Ship an event, or some of metrics; what MLflow keeps refusing is left out and noted."""
        kind = events[0].kind
        try:
            if kind == "metrics":
                self.store.log_metrics(self._run(journal), _measured(events))
            else:
                self._handlers[kind](journal, events[0])
        except Exception as error:
            self._runs.clear()  # somebody may have deleted the run: the next attempt makes another
            if kind in ("begin", "end") or is_temporary(error) or not self.store.answers():
                raise
            place = (journal.folder.name, events[0].end)
            self._refusals[place] += ATTEMPTS if is_final(error) else 1
            if self._refusals[place] < ATTEMPTS:
                raise
            logger.exception("%s: left out: %s", journal.name, kind)
            self.store.log_tags(self._run(journal), {f"left_out.{kind}": one_line(error)})

    @property
    def _handlers(self) -> dict[str, Callable[[StoredJournal, Event], None]]:
        return {
            "begin": self._begin,
            "params": self._params,
            "tags": self._tags,
            "headline": self._headline,
            "artifact": self._artifact,
            "dataset": self._dataset,
            "model": self._model,
            "end": self._close,
        }

    def _begin(self, journal: StoredJournal, _: Event) -> None:
        tags = _tags_of_stage(journal)
        run = self._run(journal)
        if reproduction := journal.reproduction:
            self.parents.open(reproduction)
            parent = self._parent(journal, reproduction)
            self.store.reopen(parent)
            if md5 := tags.get("data.md5"):  # an early stage may not know it yet
                self.store.log_tags(parent, {"data.md5": md5})
            # A run that is resumed moves to the reproduction that finishes it.
            tags = {**tags, PARENT: parent}
            notes = {"run": parent, "experiment": self.store.experiment}
            declaration.note(self.desk, reproduction.key, **notes)
        self.store.reopen(run)
        self.store.log_tags(run, tags)

    def _params(self, journal: StoredJournal, event: Event) -> None:
        self.store.log_params(self._run(journal), event.values["values"])

    def _tags(self, journal: StoredJournal, event: Event) -> None:
        self.store.log_tags(self._run(journal), event.values["values"])

    def _headline(self, journal: StoredJournal, event: Event) -> None:
        for run in self._run_and_parent(journal):
            self.store.log_metrics(run, _measured([event]))

    def _artifact(self, journal: StoredJournal, event: Event) -> None:
        values = event.values
        run = self._run_and_parent(journal)[-1 if values["on_parent"] else 0]
        self.store.log_artifact(run, journal.folder / values["file"], values["folder"])

    def _dataset(self, journal: StoredJournal, event: Event) -> None:
        self.store.log_dataset(self._run(journal), **event.values)

    def _model(self, journal: StoredJournal, event: Event) -> None:
        if journal.reproduction and journal.reproduction.group:
            return  # one arm of a grid is no candidate for the best; its weights are artifacts
        values = event.values
        verdict = models.register(
            self.store,
            models.load_module(journal.folder / values["folder"]),
            values["example"],
            run=self._run(journal),
            name=values["name"],
            accuracy=values["accuracy"],
            interval=tuple(values["interval"]),
            measured_on=values["measured_on"],
            event=f"{journal.folder.name}/{event.end}",
        )
        for run in self._run_and_parent(journal):
            self.store.log_tags(run, {"gate": verdict})
        if journal.reproduction:
            declaration.note(self.desk, journal.reproduction.key, gate=verdict)

    def _close(self, journal: StoredJournal, end: Event) -> None:
        status = end.values["status"]
        if error := end.values.get("error"):
            self.store.log_tags(self._run(journal), {"error": error})
        self.store.close(self._run(journal), status, end.time)
        if journal.reproduction:
            self.parents.note(journal.reproduction.key, journal.name, status, end.time)

    def _run(self, journal: StoredJournal) -> str:
        tags = {**_tags_of_stage(journal), "stage": journal.name}
        return self._find_or_create(journal.run, journal.name, journal, tags)

    def _parent(self, journal: StoredJournal, reproduction: Reproduction) -> str:
        tags = {**_tags_of(journal), "reproduction": reproduction.key, SOURCE: "dvc.yaml"}
        if reproduction.group and (group := self.store.find(reproduction.group)):
            tags |= {PARENT: group}
        return self._find_or_create(digest(reproduction.key), reproduction.name, journal, tags)

    def _run_and_parent(self, journal: StoredJournal) -> list[str]:
        runs = [self._run(journal)]
        return (
            [*runs, self._parent(journal, journal.reproduction)] if journal.reproduction else runs
        )

    def _find_or_create(
        self, identity: str, name: str, journal: StoredJournal, tags: dict[str, str]
    ) -> str:
        if identity not in self._runs:
            found = self.store.find(identity)
            started = journal.opening.time
            self._runs[identity] = found or self.store.create(identity, name, started, tags)
        return self._runs[identity]


def _batch(event: Event) -> object:
    """The same for events that are shipped in one call."""
    return event.kind if event.kind == "metrics" else event.end


def _tags_of(journal: StoredJournal) -> dict[str, str]:
    """What the stage was made from and with; MLflow's page shows the commit under its own name."""
    tags: dict[str, str] = journal.opening.values["provenance"]
    revision = tags.get("git.revision")
    return {**tags, **({"mlflow.source.git.commit": revision} if revision else {})}


def _tags_of_stage(journal: StoredJournal) -> dict[str, str]:
    """The part that may differ between the stages of one reproduction."""
    shown = ("git.", "data.", "dvc.", "mlflow.")
    return {key: text for key, text in _tags_of(journal).items() if key.startswith(shown)}


def _measured(events: Sequence[Event]) -> list[tuple[str, float, int, int]]:
    return [
        (name, value, event.time, event.values["step"])
        for event in events
        for name, value in event.values["values"].items()
    ]
