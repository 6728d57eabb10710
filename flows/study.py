"""DVC's graph as a Prefect flow, one task a stage.

Without overrides the workspace itself is brought up to date: stages that do not need one another
run at the same time, except that heavy ones wait for a compute slot. With overrides it is a DVC
experiment, in a copy of the workspace that DVC makes and removes.

Without PREFECT_API_URL the flow brings a Prefect server of its own for as long as it runs.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from prefect import flow, get_client, get_run_logger
from prefect.client.schemas import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import remote_experiments
from flows.artifacts import describe, read_experiment, read_workspace, show_links, show_results
from flows.stage_tasks import reproduce_experiment, reproduce_in_place
from flows.study_parameters import Hours, StudyPlan, plan_study
from pipeline.command import command, leave_on_sigterm
from pipeline.driver.stage_runs import Outcome
from pipeline.errors import UserError
from pipeline.record.flow_run import FlowRun

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
    hours_a_stage: Hours = 24.0,
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
    root, log = Path.cwd(), get_run_logger()
    try:
        plan = plan_study(targets, force, overrides, source, recipe, experiment, flow_run.name)
    except UserError as error:
        return Failed(message=str(error))
    name = plan.experiment.name if plan.experiment else flow_run.name
    with FlowRun(name, str(flow_run.id), group or "") as recorded:
        try:
            outcomes = _run(plan, root, recorded.environment, timeout=3600 * hours_a_stage)
            message = describe(plan.graph, outcomes)
            recorded.failed = _has_failed(outcomes)
        except UserError as error:  # other hosts could not be reached
            message, recorded.failed = str(error), True
        # One of many goes on at once: its record follows while the next one trains.
        for line in () if group else recorded.wait(SHIPPING):
            log.warning("not in MLflow after %g s: %s", SHIPPING, line)
        if parent := recorded.find_parent():
            show_links(parent)
            if parent.gate:
                log.info("gate: %s", parent.gate)
                message = f"{message}; {parent.gate}"
    return Failed(message=message) if recorded.failed else Completed(message=message)


def _run(
    plan: StudyPlan, root: Path, environment: Mapping[str, str], timeout: float
) -> dict[str, Outcome]:
    """Run what is planned, and show what came of it."""
    log = get_run_logger().info
    if plan.experiment is None:
        with hold_workspace(root, log):
            outcomes = reproduce_in_place(plan.graph, root, plan.force, environment, timeout)
            show_results(plan.graph, outcomes, read_workspace(root))
        return outcomes
    remote_experiments.fetch(log)
    outcomes = reproduce_experiment(plan.graph, plan.experiment, environment, timeout)
    if _has_failed(outcomes):  # it is not kept: what lies under its name is a former one
        show_results(plan.graph, outcomes, lambda _: None)
    else:
        show_results(plan.graph, outcomes, read_experiment(root, plan.experiment.name))
        remote_experiments.push(plan.experiment.name, log)
    return outcomes


def _has_failed(outcomes: Mapping[str, Outcome]) -> bool:
    return any(outcome.state == "failed" for outcome in outcomes.values())


@contextmanager
def hold_workspace(root: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Work on a workspace while no other flow does.

    A flow by hand has a server of its own, which knows nothing of others. The kernel opens the lock
    of a flow that was killed.
    """
    lock = FileLock(root / ".dvc" / "tmp" / "study.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        log("another flow works on this workspace: waits for its turn")
        held = lock.acquire()
    with held:
        yield


def start_server() -> None:
    """Start a Prefect server that lives as long as this process, unless PREFECT_API_URL names one.

    Prefect would do so by itself, but a Ctrl-C, which every process at the terminal gets, would end
    that server first, and the flow would look for it for minutes. A SIGTERM would leave it behind.
    """
    leave_on_sigterm()  # Prefect stops the server `atexit`
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the server inherits it
    try:
        get_client(sync_client=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@command("study")
def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.study", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="with all it needs; or all")
    parser.add_argument("--force", action="store_true", help="run stages that are up to date, too")
    chosen = parser.parse_args()
    plan_study(chosen.targets)  # before half a minute is spent on a server
    start_server()
    end = study(chosen.targets, chosen.force, return_state=True)
    return 0 if end.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
