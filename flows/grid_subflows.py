"""Flow runs of experiments, one each, that a grid's flow run asks for and waits for."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from prefect import get_client
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.deployments import run_deployment

DEPLOYMENT = "study/by-hand"

ATTEMPTS = 3
"""How often a flow run is asked for whose worker is lost."""

POLL = 2.0
"""Seconds between two looks."""

PAGE = 200
"""Flow runs that the server lists in one answer."""

Log = Callable[..., None]


def run_subflows(experiments: Mapping[str, Mapping[str, Any]], group: str, log: Log) -> list[str]:
    """Ask for a flow run of the study for each experiment, and wait for all.

    Prefect cancels them if the flow run that asks is cancelled. Those that an interrupted flow run
    of the same grid has asked for, and that wait or run still, are waited for and not asked for
    again. One whose worker is lost is asked for again: DVC repeats no finished stage.

    Args:
        experiments: the parameters of each flow run, by the experiment's name.
        group: identity of the grid, the same for each of its flow runs.
        log: gets a line for each that ends.

    Returns:
        The names of those that did not complete.
    """
    tag = f"grid:{group}"
    attempts = dict.fromkeys(experiments, 1)

    def ask_for(name: str) -> UUID:
        run = run_deployment(
            DEPLOYMENT,
            parameters=dict(experiments[name]),
            flow_run_name=name,
            timeout=0,
            tags=[tag],
            # Asked for twice by Prefect's client, because an answer was lost, it is one run.
            idempotency_key=uuid4().hex,
        )
        assert isinstance(run, FlowRun)  # noqa: S101 (a coroutine only in asynchronous flows)
        return run.id

    bar = create_progress_artifact(0.0, "grid-progress", "Experiments that have ended")
    assert isinstance(bar, UUID)  # noqa: S101 (likewise)
    failed = []
    with get_client(sync_client=True) as client:
        known = {run.name: run.id for run in _open_runs(client, tag)}
        running = {name: known.get(name) or ask_for(name) for name in experiments}
        while running:
            time.sleep(POLL)
            still_open = {run.id for run in _open_runs(client, tag)}
            for name in [name for name, run in running.items() if run not in still_open]:
                state = client.read_flow_run(running[name]).state
                if state is None or not state.is_final():  # it began while pages were read
                    continue
                del running[name]
                if state.is_crashed() and attempts[name] < ATTEMPTS:
                    log("%s: its worker is lost: once more", name)
                    attempts[name] += 1
                    running[name] = ask_for(name)
                    continue
                log("%s: %s", name, state.name)
                if not state.is_completed():
                    failed.append(name)
                update_progress_artifact(bar, 100 * (1 - len(running) / len(experiments)))
    return failed


def _open_runs(client: SyncPrefectClient, tag: str) -> list[FlowRun]:
    """Flow runs with a tag that wait or run."""
    wanted = FlowRunFilter.model_validate(
        {
            "tags": {"all_": [tag]},
            "state": {"type": {"not_any_": list(TERMINAL_STATES)}},
        }
    )
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
    return found
