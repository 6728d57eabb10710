"""Flow runs that one flow run asks for and waits for."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from prefect import Flow, get_client
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.states import Cancelling

DEPLOYMENT = "study/by-hand"

ATTEMPTS = 3
"""How often a flow run is asked for whose worker is lost."""

POLL = 2.0
"""Seconds between two looks."""

PAGE = 100
"""Flow runs asked about in one call; the server takes 200."""

Log = Callable[..., None]

_OVER = {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}


class Children:
    """Flow runs by the name of what they do.

    Args:
        group: What they are part of, whoever asks: those of it that wait or run already, because
            an earlier asker was interrupted, are taken over.
        asker: The id of the flow run that asks; if it is cancelled, they are.
        log: Gets a line for each that ends.
    """

    def __init__(self, group: str, asker: str, log: Log) -> None:
        self._group, self._asker, self._log = group, asker, log
        self._parameters: dict[str, Mapping[str, Any]] = {}
        self._attempts: dict[str, int] = {}
        self._running: dict[str, UUID] = {}
        with get_client(sync_client=True) as client:
            self._known = {run.name: run.id for run in _open_runs(client, _of(group))}

    def ask_for(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Ask for a run of the study."""
        self._parameters[name] = parameters
        if name in self._known:
            self._running[name] = self._known[name]
            with get_client(sync_client=True) as client:  # now it is cancelled with this asker
                tags = [_of(self._group), _by(self._asker)]
                client.update_flow_run(self._known[name], tags=tags)
            self._log("%s: waits or runs already", name)
        else:
            self._submit(name)

    def wait(self) -> list[str]:
        """Wait for all; returns the names of those that did not complete.

        One whose worker is lost is asked for again: it repeats no finished stage.
        """
        total, failed = len(self._running), []
        bar = create_progress_artifact(0.0, "grid-progress", "Experiments that have ended")
        assert isinstance(bar, UUID)  # noqa: S101 (a coroutine only in asynchronous flows)
        with get_client(sync_client=True) as client:
            while self._running:
                time.sleep(POLL)
                for run in _read(client, list(self._running.values())):
                    if run.state is None or run.state.type not in _OVER:
                        continue
                    del self._running[run.name]
                    if run.state.is_crashed() and self._attempts.get(run.name, 1) < ATTEMPTS:
                        self._log("%s: its worker is lost: once more", run.name)
                        self._submit(run.name)
                        continue
                    self._log("%s: %s", run.name, run.state.name)
                    if not run.state.is_completed():
                        failed.append(run.name)
                    update_progress_artifact(bar, 100 * (1 - len(self._running) / total))
        return failed

    def _submit(self, name: str) -> None:
        attempt = self._attempts[name] = self._attempts.get(name, 0) + 1
        run = run_deployment(
            DEPLOYMENT,
            parameters=dict(self._parameters[name]),
            flow_run_name=name,
            timeout=0,
            tags=[_of(self._group), _by(self._asker)],
            # Asked for twice, because an answer was lost, it is one run.
            idempotency_key=f"{self._asker} {name} {attempt}",
        )
        assert isinstance(run, FlowRun)  # noqa: S101 (a coroutine only in asynchronous flows)
        self._running[name] = run.id


def cancel_children(
    flow: Flow[..., Any],  # noqa: ARG001 (as Prefect calls its hooks)
    flow_run: FlowRun,
    state: State[Any],  # noqa: ARG001
) -> None:
    """Cancel what a cancelled flow run has asked for (a hook of Prefect's)."""
    with get_client(sync_client=True) as client:
        for run in _open_runs(client, _by(str(flow_run.id))):
            client.set_flow_run_state(run.id, Cancelling(message="what asked for it is cancelled"))


def _of(group: str) -> str:
    return f"grid:{group}"


def _by(asker: str) -> str:
    return f"asked-by:{asker}"


def _open_runs(client: SyncPrefectClient, tag: str) -> list[FlowRun]:
    """Flow runs with a tag that wait or run."""
    wanted = FlowRunFilter.model_validate(
        {
            "tags": {"all_": [tag]},
            "state": {"type": {"not_any_": [kind.value for kind in _OVER]}},
        }
    )
    return _all_pages(client, wanted)


def _read(client: SyncPrefectClient, ids: list[UUID]) -> list[FlowRun]:
    found: list[FlowRun] = []
    for start in range(0, len(ids), PAGE):
        wanted = FlowRunFilter.model_validate({"id": {"any_": ids[start : start + PAGE]}})
        found += client.read_flow_runs(flow_run_filter=wanted, limit=PAGE)
    return found


def _all_pages(client: SyncPrefectClient, wanted: FlowRunFilter) -> list[FlowRun]:
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
    return found
