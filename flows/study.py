"""DVC's graph as a Prefect flow, one task a stage.

Without overrides the workspace itself is brought up to date: stages that do not need one another
run at the same time, except that heavy ones wait for a compute slot. With overrides it is a DVC
experiment, in a copy of the workspace that DVC makes and removes.

Without PREFECT_API_URL the flow brings a Prefect server of its own for as long as it runs.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import exchange, show
from flows.plan import Plan, make_plan, seconds
from flows.server import start_server
from flows.summary import describe
from flows.tasks import reproduce_experiment, reproduce_in_place
from flows.turns import take_turns
from pipeline.errors import UserError
from pipeline.tracking import declaration, places
from pipeline.tracking.declaration import Status
from pipeline.tracking.reproduction import GROUP, KEY, begin_reproduction, end_reproduction
from pipeline.tracking.waiting import wait_until_shipped

SHIPPING = 120.0
"""Seconds that a flow run waits at its end for the record to reach MLflow."""


@flow(name="study", persist_result=False)
def study(
    targets: list[str] | None = None,
    force: bool = False,
    overrides: dict[str, Any] | None = None,
    source: str | None = None,
    recipe: str | None = None,
    experiment: str | None = None,
    hours_a_stage: float = 24.0,
    group: str | None = None,
) -> State[Any]:
    """Bring the study up to date, or run it with other parameters as a DVC experiment.

    Args:
        targets: Stages that are wanted, with all they need; everything if there are none.
        force: Run stages even if they are up to date.
        overrides: Parameters that differ from params.yaml, nested or dotted, such as
            {"train.cnn.epochs": 5}.
        source: Where the faces are, in place of data.source.
        recipe: A file of recipes/, below the overrides.
        experiment: Its name in `dvc exp show`; without one, the flow run's. Asks for an experiment
            even if nothing differs.
        hours_a_stage: A stage that takes longer is ended; waiting for a compute slot counts.
        group: The record's run that this one is nested in; grids set it.

    Returns:
        Failed if a stage failed or an argument is wrong; then nothing was started.
    """
    root = Path.cwd()
    try:
        timeout = seconds(hours_a_stage)
        plan = make_plan(root, targets, force, overrides, source, recipe, experiment, flow_run.name)
    except UserError as error:
        return Failed(message=str(error))
    key = begin_reproduction(plan.name or flow_run.name, str(flow_run.id))
    environment = {KEY: key, **({GROUP: group} if group else {})}
    status: Status = "KILLED"
    try:
        try:
            with take_turns(root, get_run_logger().info, wanted=plan.experiment is None):
                message, failed = _work(plan, root, environment, timeout)
        except UserError as error:  # other hosts could not be reached
            message, failed = str(error), True
        status = "FAILED" if failed else "FINISHED"
        # One of many goes on at once: its record follows while the next one trains.
        notes = _ship_record(root, key, 0.0 if group else SHIPPING)
        show.links(notes)
        if verdict := notes.get("gate"):
            get_run_logger().info("gate: %s", verdict)
            message = f"{message}; {verdict}"
    finally:
        end_reproduction(key, status)
    return Failed(message=message) if failed else Completed(message=message)


def _work(
    plan: Plan, root: Path, environment: Mapping[str, str], timeout: float
) -> tuple[str, bool]:
    """Run what is planned and show what came of it; returns a line on it, and whether it failed."""
    if plan.experiment is None:
        outcomes = reproduce_in_place(plan.graph, root, plan.force, environment, timeout)
        results: show.Results = show.Workspace(root)
    else:
        exchange.fetch(get_run_logger().info)
        outcomes = reproduce_experiment(plan.graph, plan.experiment, environment, timeout)
        results = show.Experiment(root, plan.experiment.name)
    failed = any(outcome.state == "failed" for outcome in outcomes.values())
    show.results(plan.graph, outcomes, results)
    if plan.experiment and not failed:
        exchange.push(plan.experiment.name, get_run_logger().info)
    return describe(plan.graph, outcomes), failed


def _ship_record(root: Path, key: str, patience: float) -> dict[str, str]:
    """See the record to MLflow; returns what the recorder noted meanwhile.

    Whatever is late after some seconds of patience stays on disk: the recorder, or the next one,
    goes on with it.
    """
    if places.is_off():
        return {}
    desk = places.Desk(root)
    late = wait_until_shipped(desk, places.find_address(root), patience, key)
    for line in late if patience else ():
        get_run_logger().warning("not in MLflow after %g s: %s", patience, line)
    declared = declaration.find(desk, key)
    return declared.notes if declared else {}


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.study", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="with all it needs; or all")
    parser.add_argument("--force", action="store_true", help="run stages that are up to date, too")
    chosen = parser.parse_args()
    try:
        make_plan(Path.cwd(), chosen.targets)  # before half a minute is spent on a server
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
