"""DVC's graph as a Prefect flow, one task a stage.

Stages that do not need one another run at the same time, except that heavy ones take turns.
Without PREFECT_API_URL the flow brings a Prefect server of its own for as long as it runs.
"""

import argparse
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture, wait
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.graph import Graph, Stage, read_graph
from flows.server import start_server
from flows.stage import Outcome, reproduce
from flows.summary import describe, summarise
from pipeline import params
from pipeline.errors import UserError
from pipeline.layout import PARAMS
from pipeline.tracking import places
from pipeline.tracking.declaration import Status
from pipeline.tracking.reproduction import KEY, begin_reproduction, end_reproduction
from pipeline.tracking.waiting import wait_until_shipped

HEAVY = "heavy"
"""Tag of heavy tasks: a limit on it in a Prefect server holds across flow runs and machines."""

HEAVY_TURN = threading.Lock()
"""Held by the heavy stage that runs.

A limit on the tag is not enough: a server of the flow's own never frees the slot of a flow run that
was killed, so no heavy stage would ever start again.
"""

SHIPPING = 120.0
"""Seconds that a flow run waits at its end for the record to reach MLflow."""


@flow(name="study", persist_result=False)
def study(targets: list[str] | None = None, force: bool = False) -> State[Any]:
    """Bring the study in the working directory up to date.

    Args:
        targets: Stages that are wanted, with all they need; everything if there are none.
        force: Run stages even if they are up to date.

    Raises:
        UserError: params.yaml, dvc.yaml or a target is wrong; nothing was started.
    """
    root = Path.cwd()
    graph = plan(root, targets)
    key = begin_reproduction(flow_run.name, str(flow_run.id))
    status: Status = "KILLED"
    try:
        outcomes = _reproduce_all(graph, root, force, key)
        failed = any(outcome.state == "failed" for outcome in outcomes.values())
        status = "FAILED" if failed else "FINISHED"
    finally:
        end_reproduction(key, status)
    create_markdown_artifact(summarise(graph, outcomes, root), "study", "States and metrics")
    _ship_record(root)
    message = describe(graph, outcomes)
    return Failed(message=message) if failed else Completed(message=message)


def plan(root: Path, targets: list[str] | None) -> Graph:
    """Check all that can be wrong before a stage starts.

    Returns:
        The stages to bring up to date.

    Raises:
        UserError: params.yaml, dvc.yaml or a target is wrong.
    """
    params.load(root / PARAMS)
    return read_graph(root).select(targets or ())


def _reproduce_all(graph: Graph, root: Path, force: bool, key: str) -> dict[str, Outcome]:
    """Outcomes of all stages but those downstream of one that failed."""
    futures: dict[str, PrefectFuture[Any]] = {}
    for stage in graph.stages:
        named = _reproduce_stage.with_options(
            name=stage.name, task_run_name=stage.name, tags=[HEAVY] if stage.is_heavy else []
        )
        needed = [futures[name] for name in stage.needs]
        futures[stage.name] = named.submit(
            stage, root, force, key, wait_for=needed, return_state=False
        )
    wait(list(futures.values()))
    ends = {name: future.state for name, future in futures.items()}
    return {name: _outcome(end) for name, end in ends.items() if end.is_final()}


@task(cache_policy=NO_CACHE, persist_result=False)  # what is up to date, DVC decides
def _reproduce_stage(stage: Stage, root: Path, force: bool, key: str) -> State[Any]:
    log = get_run_logger().info
    with HEAVY_TURN if stage.is_heavy else nullcontext():
        outcome = reproduce(stage.name, root, log, force=force, environment={KEY: key})
    if outcome.state == "failed":
        return Failed(message=outcome.message, data=outcome)
    name = "Cached" if outcome.state == "cached" else "Completed"
    return Completed(name=name, message=outcome.message, data=outcome)


def _outcome(end: State[Any]) -> Outcome:
    found = end.result(raise_on_failure=False)
    if isinstance(found, Outcome):
        return found
    return Outcome("failed", 0.0, end.message or repr(found))  # the task itself broke


def _ship_record(root: Path) -> None:
    """See the record to MLflow. Whatever is late stays on disk for the next stage's recorder."""
    if places.is_off():
        return
    late = wait_until_shipped(places.Desk(root), places.find_address(root), SHIPPING)
    for line in late:
        get_run_logger().warning("not in MLflow after %g s: %s", SHIPPING, line)


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.study", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="with all it needs; or all")
    parser.add_argument("--force", action="store_true", help="run stages that are up to date, too")
    chosen = parser.parse_args()
    try:
        plan(Path.cwd(), chosen.targets)  # before half a minute is spent on a server
    except UserError as error:
        print(f"study: error: {error}", file=sys.stderr)
        return 1
    start_server()
    try:
        end = study(chosen.targets, chosen.force, return_state=True)
    except KeyboardInterrupt:
        return 130
    return 0 if end.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
