"""What flows ask of the record in MLflow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.servers import addresses
from pipeline.tracking import declaration, places
from pipeline.tracking.declaration import Status
from pipeline.tracking.journal import Journal, stage_run
from pipeline.tracking.reproduction import GROUP, KEY, begin_reproduction, end_reproduction
from pipeline.tracking.waiting import wait_until_known, wait_until_shipped

KNOWN = 60.0
"""Seconds that the record gets to open the run that all others are nested in."""


@dataclass
class Reproduction:
    """A reproduction that a flow run does.

    Attributes:
        key: tells it from all others.
        environment: variables that its stages need, to be recorded as parts of it.
        failed: whether its run shall say so.
    """

    key: str
    environment: Mapping[str, str]
    failed: bool = False

    def ship(self, root: Path, patience: float) -> tuple[list[str], dict[str, str]]:
        """See what was recorded to MLflow.

        Whatever is late after some seconds of patience stays on disk: the recorder, or the next
        one, goes on with it.

        Returns:
            What is late, a line each, and what the recorder noted: the run and its experiment in
            MLflow, what became of a model.
        """
        if places.is_off():
            return [], {}
        desk = places.Desk(root)
        late = wait_until_shipped(desk, places.find_address(root), patience, self.key)
        declared = declaration.find(desk, self.key)
        return late, declared.notes if declared else {}


@contextmanager
def reproduction(name: str, key: str, group: str | None) -> Iterator[Reproduction]:
    """Record a reproduction: its run is KILLED if the block raises.

    Args:
        name: what people read.
        key: of the caller's, which tells it from all others.
        group: the run that it is nested in; None for none.
    """
    key = begin_reproduction(name, key)
    found = Reproduction(key, {KEY: key, **({GROUP: group} if group else {})})
    status: Status = "KILLED"
    try:
        yield found
        status = "FAILED" if found.failed else "FINISHED"
    finally:
        end_reproduction(key, status)


@contextmanager
def grid_run(name: str, group: str, settings: Mapping[str, Any]) -> Iterator[Journal]:
    """Record a grid: a run in which those of its experiments are nested.

    Args:
        name: the grid's.
        group: identity of the run; with the same one it goes on in the same run.
        settings: what is varied, and what is measured.
    """
    with stage_run(f"grid {name}", settings, resume=group, alone=True) as journal:
        wait_until_known(places.Desk(Path.cwd()), group, KNOWN)
        yield journal


def identify(text: str) -> str:
    """The identity of a run for any text that tells it from all others."""
    return places.digest(text)


def find_page(notes: Mapping[str, str]) -> str:
    """The address of a run's page in MLflow; empty if nothing was recorded."""
    if "run" not in notes:
        return ""
    address = places.find_address(Path.cwd()).uri
    # A record in a database here is shown by `make server` and `mlflow ui`.
    server = places.without_secrets(address) if address.startswith("http") else addresses()[1]
    return f"{server.rstrip('/')}/#/experiments/{notes['experiment']}/runs/{notes['run']}"
