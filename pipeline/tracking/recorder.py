"""The recorder: one process a workspace and address, which ships journals until none is left.

It follows journals while stages still write them, marks the runs of vanished stages, closes parent
runs, and waits out an MLflow that is away. It may be killed at any moment: what is shipped is noted
after the fact, and everything can be shipped twice.
"""

import logging
import time
from dataclasses import dataclass

from filelock import FileLock, Timeout

from pipeline import disk
from pipeline.tracking import declaration
from pipeline.tracking.failures import one_line
from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Address, Desk
from pipeline.tracking.reader import StoredJournal, read_journals
from pipeline.tracking.shipping import Shipper
from pipeline.tracking.store import connect

POLL = 0.5
"""Seconds between two looks at the journals."""

LINGER = 5.0
"""Seconds without work before the recorder ends: the next stage may come at once."""

LONGEST_PAUSE = 15.0
"""Seconds between two attempts at an MLflow that is away."""

PATIENCE = 600.0
"""Seconds after which the recorder leaves a dead MLflow to its successor, if no stage runs."""

logger = logging.getLogger(__name__)


def record(desk: Desk, address: Address) -> None:
    """Ship all journals of a workspace that go to an address; returns at once if somebody does."""
    while True:
        try:
            with FileLock(desk.lock(address), blocking=False):
                recorder = _Recorder(desk, address)
                recorder.work()
        except Timeout:
            return
        # A stage that wrote while the lock was still held counts on this process.
        if recorder.gave_up or not has_work(desk, address):
            return


def has_work(desk: Desk, address: Address) -> bool:
    """Whether journals or open parent runs of this address are left."""
    return bool(_journals(desk, address)) or bool(Parents(desk, address))


@dataclass
class _Recorder:
    desk: Desk
    address: Address
    shipper: Shipper | None = None
    gave_up: bool = False

    def work(self) -> None:
        """Pass after pass, until nothing was left for a while or patience is at its end."""
        failures = 0
        good = time.monotonic()  # the last time that all went well
        busy = good
        while not self.gave_up and time.monotonic() - busy < LINGER:
            try:
                if has_work(self.desk, self.address):
                    busy = time.monotonic()
                    self._pass()
                self._tidy()
                self._succeeded()
                failures, good = 0, time.monotonic()
                time.sleep(POLL)
            except Exception as error:  # whatever it was: the journals are still there
                failures += 1
                self._failed(error)
                self.gave_up = time.monotonic() - good > PATIENCE and not self._stages_run()
                time.sleep(min(2.0 ** (failures - 1), LONGEST_PAUSE))

    def _pass(self) -> None:
        """Offer every journal once; one that fails does not hold up the others."""
        self.shipper = self.shipper or Shipper(
            connect(self.address, self.desk.root), self.desk, self.address
        )
        problem: Exception | None = None
        waiting: set[str] = set()  # runs whose journals are not through: later ones must wait
        for journal in _journals(self.desk, self.address):
            if problem and not self.shipper.store.answers():
                break
            try:
                if journal.run in waiting or not self.shipper.ship(journal):
                    waiting.add(journal.run)
            except Exception as error:
                logger.exception("%s (%s)", journal.name, journal.run)
                waiting.add(journal.run)
                problem = error
        if problem:
            raise problem
        self.shipper.close_parents(self._busy())

    def _busy(self) -> set[str]:
        found = (journal.reproduction for journal in read_journals(self.desk))
        return {reproduction.key for reproduction in found if reproduction}

    def _tidy(self) -> None:
        """Forget reproductions that are over and of which no stage ever ran."""
        if has_work(self.desk, self.address):
            return
        busy = self._busy()
        for declared in declaration.over(self.desk):
            if declared.key not in busy:
                declaration.forget(self.desk, declared.key)

    def _stages_run(self) -> bool:
        return any(journal.process.is_alive for journal in _journals(self.desk, self.address))

    def _succeeded(self) -> None:
        self.desk.trouble(self.address).unlink(missing_ok=True)

    def _failed(self, error: Exception) -> None:
        reason = one_line(error)
        logger.warning("%s: %s", self.address, reason)
        disk.write_text(self.desk.trouble(self.address), reason)


def _journals(desk: Desk, address: Address) -> list[StoredJournal]:
    return [journal for journal in read_journals(desk) if journal.address == address]
