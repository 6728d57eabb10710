"""A flow's side of the record: where its reproduction begins, what came of it, how it ended."""

import os

import psutil

from pipeline import disk
from pipeline.record.address import find_address, find_root, is_off
from pipeline.record.recorder import start_recorder, wait_until_uploaded
from pipeline.record.reproduction import KEY, Process, Reproduction, Status
from pipeline.record.spool import End, Parent, Spool, now


class FlowRun:
    """One parent run in MLflow. It appears with the first stage that really runs.

    As a context it ends FAILED if `failed` was set, KILLED if the block raises. If this process
    vanishes before its end, the parent run is marked KILLED.

    Args:
        name: the parent run's.
        key: of the caller's, identifies this reproduction; the same key later goes on in the same
            parent run.
        group: the identity of the run that it is one of many of, such as a grid's.
    """

    def __init__(self, name: str, key: str, group: str = "") -> None:
        process, attempt = Process.of(psutil.Process()), os.urandom(8).hex()
        self.reproduction = Reproduction(
            key=key, name=name, process=process, attempt=attempt, group=group
        )
        self.failed = False
        self._spool, self._address = Spool(find_root()), find_address(find_root())

    def __enter__(self) -> "FlowRun":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end("KILLED" if kind else "FAILED" if self.failed else "FINISHED")

    @property
    def environment(self) -> dict[str, str]:
        """For every stage of this reproduction."""
        return {KEY: self.reproduction.model_dump_json()}

    def wait(self, timeout: float) -> list[str]:
        """Wait until MLflow has every stage that ended, so many seconds; what is late, by lines.

        Whatever is late stays in the spool: the recorder, or the next one, goes on with it.
        """
        key = self.reproduction.key
        return [] if is_off() else wait_until_uploaded(self._spool, self._address, timeout, key)

    def find_parent(self) -> Parent | None:
        """The parent run as MLflow has it now, if a stage ran."""
        found = [] if is_off() else self._spool.parents(self._address, self.reproduction.key)
        return found[0] if found else None

    def end(self, status: Status) -> None:
        """Say that it is over; the parent run is closed once all stages are uploaded."""
        key = self.reproduction.key
        if not is_off() and (self._spool.entries(key=key) or self._spool.parents(key=key)):
            end = End(status=status, ended=now())
            disk.write_text(self._spool.end(self.reproduction), end.model_dump_json())
            start_recorder(self._spool, self._address)
