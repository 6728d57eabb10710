"""The parent runs that are still open at one address: what they wait for, how they will end."""

import json
from collections.abc import Container, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline import disk
from pipeline.tracking import declaration
from pipeline.tracking.declaration import Status
from pipeline.tracking.places import Address, Desk, digest
from pipeline.tracking.reproduction import Reproduction


@dataclass(frozen=True)
class OpenParent:
    """A parent run in MLflow that is still RUNNING.

    Args:
        reproduction: Whose run it is.
        stages: The last status of each stage that ended; a retry that succeeds makes good.
        last: When the last stage ended, in milliseconds since the epoch.
    """

    reproduction: Reproduction
    stages: dict[str, Status] = field(default_factory=dict)
    last: int | None = None

    def ending(self, desk: Desk) -> tuple[Status, int | None] | None:
        """Status and time (ms) of its end; None while the reproduction goes on."""
        known = declaration.find(desk, self.reproduction.key)
        is_alive = (known.flow if known else self.reproduction.watch).is_alive
        # Read once more: whoever is gone by now has had its say before.
        declared = declaration.find(desk, self.reproduction.key)
        if declared and declared.status:
            return declared.status, declared.ended
        if is_alive:
            return None
        # A flow that declared its beginning and vanished without a word was killed.
        return ("KILLED" if declared else self._worst()), self.last

    def _worst(self) -> Status:
        ends = self.stages.values()
        if "KILLED" in ends:
            return "KILLED"
        return "FAILED" if "FAILED" in ends else "FINISHED"


@dataclass(frozen=True)
class Parents:
    """The open parents of one address, each in a file that outlives the recorder."""

    desk: Desk
    address: Address

    def open(self, reproduction: Reproduction) -> None:
        """Note that a parent run is being opened, or goes on; a new watch replaces the old."""
        known = self._find(reproduction.key) or OpenParent(reproduction)
        self._write(replace(known, reproduction=reproduction))

    def note(self, key: str, stage: str, status: Status, ended: int) -> None:
        """Note how a stage ended."""
        if parent := self._find(key):
            stages = {**parent.stages, stage: status}
            self._write(replace(parent, stages=stages, last=max(ended, parent.last or 0)))

    def over(self, busy: Container[str]) -> Iterator[tuple[str, Status, int | None]]:
        """Key, status and time (ms) of each that can be closed.

        Args:
            busy: Keys that still have journals: those stay open.
        """
        for file in self.desk.parents.glob(f"{self.address.digest}-*.json"):
            parent = _read(file)
            ending = parent.ending(self.desk)
            if ending and parent.reproduction.key not in busy:
                yield parent.reproduction.key, *ending

    def drop(self, key: str) -> None:
        """Forget a parent run that is closed."""
        self._file(key).unlink(missing_ok=True)
        declaration.forget(self.desk, key)

    def __bool__(self) -> bool:
        return any(self.desk.parents.glob(f"{self.address.digest}-*.json"))

    def _file(self, key: str) -> Path:
        return self.desk.parents / f"{self.address.digest}-{digest(key)}.json"

    def _find(self, key: str) -> OpenParent | None:
        try:
            return _read(self._file(key))
        except FileNotFoundError:
            return None

    def _write(self, parent: OpenParent) -> None:
        disk.write_text(self._file(parent.reproduction.key), json.dumps(asdict(parent)))


def _read(file: Path) -> OpenParent:
    values = json.loads(file.read_text(encoding="utf-8"))
    reproduction = Reproduction.from_json(values["reproduction"])
    return OpenParent(reproduction, values["stages"], values["last"])
