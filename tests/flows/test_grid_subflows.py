"""Which flow runs a grid asks for, without a server."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.states import Completed, Failed

import flows  # noqa: F401 (its settings come before Prefect is imported)
from flows import grid_subflows


class Server:
    """Knows the flow runs that were asked for; all of them end at once."""

    def __init__(self) -> None:
        self.end: Any = Failed()
        self.runs: dict[str, Any] = {}

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run_deployment(self, *_: object, idempotency_key: str, **__: object) -> Any:
        run = SimpleNamespace(id=uuid4(), state=self.end)
        return self.runs.setdefault(idempotency_key, run)

    def read_flow_runs(self, **_: object) -> list[Any]:
        return []

    def read_flow_run(self, identity: UUID) -> Any:
        return next(run for run in self.runs.values() if run.id == identity)


def test_a_grid_that_is_retried_asks_anew_for_what_had_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefect's button Retry: the same flow run of the grid begins once more."""
    server = Server()
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", str(uuid4()))
    monkeypatch.setattr(grid_subflows, "FlowRun", SimpleNamespace)
    monkeypatch.setattr(grid_subflows, "POLL", 0)
    monkeypatch.setattr(grid_subflows, "run_deployment", server.run_deployment)
    monkeypatch.setattr(grid_subflows, "get_client", lambda **_: server)
    monkeypatch.setattr(grid_subflows, "create_progress_artifact", lambda *_: uuid4())
    monkeypatch.setattr(grid_subflows, "update_progress_artifact", lambda *_: None)

    def run() -> list[str]:
        return grid_subflows.run_subflows({"a": {}}, "group", lambda *_: None)

    assert run() == ["a"]
    server.end = Completed()
    assert run() == []
