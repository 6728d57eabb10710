"""A journal's folder on disk, from the side of the recorder that empties it."""

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import disk
from pipeline.tracking.places import EVENTS, Address, Desk
from pipeline.tracking.processes import Process
from pipeline.tracking.reproduction import Reproduction

REDIRECTION = "address.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """One line of a journal.

    Args:
        kind: What happened, such as `metrics`.
        time: When, in milliseconds since the epoch.
        values: The rest of the line.
        end: Where the next line starts: bytes from the start of the file.
    """

    kind: str
    time: int
    values: dict[str, Any]
    end: int


@dataclass(frozen=True)
class StoredJournal:
    """One journal; `opening` is its first event."""

    folder: Path
    opening: Event

    @property
    def run(self) -> str:
        """Tells the MLflow run from all others; two journals share it if one resumed the other."""
        return str(self.opening.values["run"])

    @property
    def name(self) -> str:
        """The stage's."""
        return str(self.opening.values["name"])

    @cached_property
    def process(self) -> Process:
        """The stage's."""
        return Process(**self.opening.values["process"])

    @cached_property
    def reproduction(self) -> Reproduction | None:
        """What the stage was part of; None for a run that stands alone."""
        values = self.opening.values["reproduction"]
        return Reproduction.from_json(values) if values else None

    @property
    def last_written(self) -> int:
        """When its last event was written, in milliseconds since the epoch."""
        return int((self.folder / EVENTS).stat().st_mtime * 1000)

    @property
    def address(self) -> Address:
        """Where it is to be shipped: as the stage was told, or as somebody said since."""
        try:
            written = json.loads((self.folder / REDIRECTION).read_text(encoding="utf-8"))
        except FileNotFoundError:
            written = self.opening.values["address"]
        return Address(**written).private

    def is_known_to(self, address: Address) -> bool:
        """Whether its run has begun there."""
        return self._shipped(address) > 0

    def redirect(self, address: Address) -> None:
        """Have it shipped elsewhere, from its first event on."""
        disk.write_text(self.folder / REDIRECTION, json.dumps(asdict(address.public)))

    def unshipped(self, address: Address) -> list[Event]:
        """The events that this address has not got yet; empty if the journal is gone."""
        return list(_events(self.folder / EVENTS, self._shipped(address)))

    def mark_shipped(self, address: Address, until: int) -> None:
        """Remember how many bytes of the journal an address has got."""
        disk.write_text(self._mark(address), str(until))

    def remove(self) -> None:
        """Drop it. Without its events a folder is no journal, should this be cut short."""
        (self.folder / EVENTS).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _shipped(self, address: Address) -> int:
        try:
            return int(self._mark(address).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 0

    def _mark(self, address: Address) -> Path:
        return self.folder / f"shipped-{address.digest}"


def read_journals(desk: Desk) -> list[StoredJournal]:
    """All journals of a workspace, oldest first."""
    found = []
    for folder in sorted(desk.journals.iterdir()):
        opening = next(_events(folder / EVENTS, 0), None)
        if opening and opening.kind == "begin":
            found.append(StoredJournal(folder, opening))
    return found


def _events(file: Path, start: int) -> Iterator[Event]:
    """The complete lines from a byte on; the last one may still be in the writing."""
    try:
        with file.open("rb") as stream:
            stream.seek(start)
            for line in stream:
                start += len(line)
                if line.endswith(b"\n") and (event := _event(line, start)):
                    yield event
    except FileNotFoundError:
        return


def _event(line: bytes, end: int) -> Event | None:
    try:
        values = json.loads(line)
        return Event(values.pop("event"), values.pop("time"), values, end)
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("left out a line that is no event: %.80r", line)  # the disk was full, say
        return None
