"""What flows ask of the record in MLflow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.servers import addresses
from pipeline.record.address import digest, find_address, without_secrets
from pipeline.record.flow_run import FlowRun, wait_until_begun
from pipeline.record.parent import Parent
from pipeline.record.reproduction import Status
from pipeline.record.stage_run import StageRun, stage_run

KNOWN = 60.0
"""Seconds that the record gets to open the run that all others are nested in."""


@dataclass
class FlowReproduction:
    """A reproduction that a flow run does: its run in MLflow, and whether it shall say failed."""

    run: FlowRun
    failed: bool = False


@contextmanager
def reproduction(name: str, key: str, group: str | None = None) -> Iterator[FlowReproduction]:
    """Record a reproduction: its run is KILLED if the block raises.

    Args:
        name: what people read.
        key: of the caller's, which identifies it.
        group: the run that it is nested in; None for none.
    """
    found = FlowReproduction(FlowRun(name, key, group or ""))
    status: Status = "KILLED"
    try:
        yield found
        status = "FAILED" if found.failed else "FINISHED"
    finally:
        found.run.end(status)


@contextmanager
def grid_run(name: str, group: str, settings: Mapping[str, Any]) -> Iterator[StageRun]:
    """Record a grid: a run in which those of its experiments are nested.

    Args:
        name: the grid's.
        group: identity of the run; with the same one it goes on in the same run.
        settings: what is varied, and what is measured.
    """
    with stage_run(f"grid {name}", settings, resume=group, alone=True) as run:
        wait_until_begun(group, KNOWN)
        yield run


def identify(text: str) -> str:
    """The identity of a run for any text that identifies it."""
    return digest(text)


def find_page(parent: Parent) -> str:
    """The address of a run's page in MLflow."""
    address = find_address(Path.cwd()).uri
    # A record in a database here is shown by `make server` and `mlflow ui`.
    server = without_secrets(address) if address.startswith("http") else addresses()[1]
    return f"{server.rstrip('/')}/#/experiments/{parent.experiment}/runs/{parent.run}"
