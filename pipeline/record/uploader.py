"""Passes over the spool: what every run has by now goes to MLflow, in order and at least once."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.record.address import Address, digest, one_line
from pipeline.record.mlflow_store import Store, connect, is_temporary
from pipeline.record.projection import Projection
from pipeline.record.spool import BEGUN, Entry, Spool

ATTEMPTS = 3
"""How often a run is offered to an MLflow that answers, before it goes on without some parts."""

logger = logging.getLogger(__name__)


@dataclass
class Uploader:
    """Uploads a workspace's spool to one MLflow.

    What it remembers is lost with its process: then everything is uploaded again.
    """

    spool: Spool
    address: Address
    _begun: dict[Path, Projection] = field(default_factory=dict)
    _failures: Counter[Path] = field(default_factory=Counter)

    @cached_property
    def store(self) -> Store:
        """MLflow, once it answers."""
        return connect(self.address.private_uri, self.address.experiment, self.spool.root)

    def upload_all(self) -> None:
        """Upload what every run has by now; one that fails does not hold up the others.

        Raises:
            Exception: MLflow is away, or did not take something; it is offered again next time.
        """
        problem: Exception | None = None
        waiting: set[str] = set()  # trainings whose earlier process comes first
        for entry in self.spool.entries(self.address):
            if problem and not self.store.answers():
                break
            try:
                if entry.run.identity in waiting or not self._upload(entry):
                    waiting.add(entry.run.identity)
            except Exception as error:
                logger.exception("%s (%s)", entry.run.stage, entry.run.identity)
                # It may have been deleted in MLflow: the next attempt makes another, from nothing.
                self._begun.pop(entry.folder, None)
                self._failures[entry.folder] += not is_temporary(error) and self.store.answers()
                waiting.add(entry.run.identity)
                problem = error
        if problem:
            raise problem
        self._close_parents()

    def _upload(self, entry: Entry) -> bool:
        """Upload what is new of a run; once it is complete, remove it and return True."""
        is_alive = entry.run.process.is_alive
        entry = entry.reread()  # nothing is written after its death
        folder = entry.folder
        if folder not in self._begun:
            key = entry.run.key
            file = self.spool.parent_file(self.address, key) if key else None
            self._begun[folder] = Projection(self.store, entry, file)
            (folder / BEGUN).touch()
        projection = self._begun[folder]
        projection.go_on(entry)
        if entry.run.end is None and is_alive:
            return False
        for part in projection.results:
            try:
                part()
            except Exception as error:
                if self._failures[folder] < ATTEMPTS or is_temporary(error):
                    raise
                logger.exception("%s: left out: %s", entry.run.stage, part.__name__)
                projection.tag({f"left_out.{part.__name__}": one_line(error)})
        projection.close()
        entry.remove()
        del self._begun[folder]
        return True

    def _close_parents(self) -> None:
        """Close the parent runs of all reproductions that are over and have no stage left here."""
        for parent in self.spool.parents(self.address):
            key = parent.reproduction.key
            if (end := parent.ending(self.spool)) and not self.spool.entries(key=key):
                if self.store.find(digest(key)):  # and nobody has deleted it
                    self.store.client.set_terminated(parent.run, *end)
                self.spool.parent_file(self.address, key).unlink()
                self.spool.end(parent.reproduction).unlink(missing_ok=True)
