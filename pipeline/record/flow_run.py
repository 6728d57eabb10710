"""A flow's side of the record: where its reproduction begins, what came of it, how it ended."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pipeline.record import address
from pipeline.record.recorder import summon, wait_until_uploaded
from pipeline.record.reproduction import KEY, Process, Reproduction, Status
from pipeline.record.spool import End, Parent, Spool


@dataclass(frozen=True)
class FlowRun:
    """One parent run in MLflow. It appears with the first stage that really runs.

    If this process vanishes without `end`, the parent run is marked KILLED.

    Args:
        name: the parent run's.
        key: of the caller's, identifies this reproduction; the same key later goes on in the same
            parent run.
        group: the identity of the run that it is one of many of, such as a grid's.
    """

    name: str
    key: str
    group: str = ""
    _attempt: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def environment(self) -> dict[str, str]:
        """For every stage of this reproduction."""
        return {KEY: self._reproduction.model_dump_json()}

    def wait(self, timeout: float) -> list[str]:
        """Wait until MLflow has every stage that ended, so many seconds; what is late, by lines.

        Whatever is late stays in the spool: the recorder, or the next one, goes on with it.
        """
        if address.is_off():
            return []
        spool = _spool()
        return wait_until_uploaded(spool, address.find_address(spool.root), timeout, self.key)

    def find_parent(self) -> Parent | None:
        """The parent run as MLflow has it now, if a stage ran."""
        if address.is_off():
            return None
        spool = _spool()
        return spool.find_parent(address.find_address(spool.root), self.key)

    def end(self, status: Status) -> None:
        """Say that it is over; the parent run is closed once all stages are uploaded."""
        if not address.is_off():
            spool = _spool()
            end = End(status=status, ended=int(time.time() * 1000))
            spool.announce_end(self._reproduction, end)
            summon(spool, address.find_address(spool.root))

    @property
    def _reproduction(self) -> Reproduction:
        process = Process.of(psutil.Process())
        return Reproduction(
            key=self.key, name=self.name, process=process, attempt=self._attempt, group=self.group
        )


def wait_until_begun(identity: str, timeout: float, root: Path | None = None) -> bool:
    """Wait until MLflow knows a run that is under way, so that others can be nested in it."""
    spool = Spool(root or address.find_root())
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = [entry for entry, run in spool.entries() if run.identity == identity]
        if all(entry.has_begun() for entry in found):
            return bool(found)
        time.sleep(0.2)
    return False


def _spool() -> Spool:
    return Spool(address.find_root())
