"""A grid of DVC experiments over all workers: one flow run each, then the table and its figure.

It runs in a pool of its own, so that waiting takes no place from those that train. What it asks for
is the deployment `study/by-hand`; which worker takes it, Prefect decides. Interrupted, it goes on:
finished experiments stay, those that wait or run are waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import exchange, show
from flows.children import Children, cancel_children
from flows.graph import read_graph
from flows.plan import nest, seconds
from flows.tasks import reproduce_experiment
from pipeline.errors import UserError
from pipeline.experiments import grid as grids
from pipeline.experiments.finished import read_finished
from pipeline.experiments.grid import Combination, GridFile
from pipeline.experiments.running import (
    Experiment,
    check_source,
    check_workspace,
    find,
    is_done,
    only_done,
    remove,
    revision,
)
from pipeline.experiments.table import draw_up
from pipeline.tracking import places
from pipeline.tracking.journal import Journal, flatten, stage_run
from pipeline.tracking.reproduction import GROUP, KEY, begin_reproduction, end_reproduction
from pipeline.tracking.waiting import wait_until_known

SHARED, SHARED_SECTIONS = "split", ("sample", "data", "split")
"""The stage that all experiments have in common with all it needs, and what it depends on."""

KNOWN = 60.0
"""Seconds that the record gets to open the run that all others are nested in."""


@dataclass(frozen=True)
class Plan:
    """A checked grid.

    Attributes:
        name: the file's.
        grid: its content.
        combinations: all experiments.
        experiments: the same, ready to run.
        group: the identity of the record's run that they are nested in.
    """

    name: str
    grid: GridFile
    combinations: Sequence[Combination]
    experiments: Sequence[Experiment]
    group: str


class Incomplete(Exception):  # noqa: N818 (marks the record's run as failed, no more)
    """Some experiments are missing."""


@flow(name="grid", persist_result=False, on_cancellation=[cancel_children])
def grid(
    name: str = "ablation",
    overrides: dict[str, Any] | None = None,
    again: bool = False,
    hours_a_stage: float = 24.0,
) -> State[Any]:
    """Run every experiment of a grid that is missing, on whichever worker is free.

    Args:
        name: A file of grids/.
        overrides: Parameters of every experiment, nested or dotted.
        again: Ask DVC also for experiments that seem to be done.
        hours_a_stage: A stage that takes longer is ended.

    Returns:
        Failed if an experiment failed or an argument is wrong; then nothing was started.
    """
    log = get_run_logger().info
    try:
        timeout = seconds(hours_a_stage)
        plan = make_plan(name, overrides)
        exchange.fetch(log)
        # Before asking what is done: one that ends in between is then in both, not in neither.
        children = Children(plan.group, str(flow_run.id), log)
        finished = {} if again else read_finished()
    except UserError as error:
        return Failed(message=str(error))
    missing = [found for found in plan.experiments if not is_done(found, finished)]
    log(
        "%d experiments, %d done already",
        len(plan.experiments),
        len(plan.experiments) - len(missing),
    )
    try:
        with stage_run(f"grid {name}", _settings(plan), resume=plan.group, alone=True) as journal:
            wait_until_known(places.Desk(Path.cwd()), plan.group, KNOWN)
            _run_shared(plan, missing, timeout)
            failed = _run_missing(plan, missing, children, hours_a_stage)
            exchange.unshare(_shared_name(plan), log)
            count = _draw(plan, journal, failed)
            if failed:
                raise Incomplete(", ".join(failed))
    except Incomplete as error:
        return Failed(message=f"failed: {error}; the reason stands in each one's flow run")
    except UserError as error:
        return Failed(message=str(error))
    return Completed(message=f"{len(missing)} run, {count} in the table")


def make_plan(name: str, overrides: dict[str, Any] | None = None) -> Plan:
    """Check all that can be wrong before an experiment starts.

    Raises:
        UserError: the grid, an override, the faces or the workspace is wrong.
    """
    found = grids.read_grid(name)
    changes = nest(overrides or {})
    combinations = grids.combine(name, found, [changes] if changes else [])
    check_workspace()
    experiments = [
        Experiment(each.configuration, tuple(found.stages), pull=exchange.is_on())
        for each in combinations
    ]
    for source in {each.configuration.params.data.source for each in combinations}:
        check_source(source)
    # The same grid on the same commit goes on in the same run of the record.
    group = places.digest(f"grid {revision()} {name} {sorted(flatten(changes).items())}")
    return Plan(name, found, combinations, experiments, group)


def _run_shared(plan: Plan, missing: Sequence[Experiment], timeout: float) -> None:
    """Run what all have in common once, for all hosts."""
    if len(missing) < 2 or _varies_shared(plan.grid):
        return
    log = get_run_logger().info
    log("%s and all it needs, once for all", SHARED)
    configuration = missing[0].configuration.renamed(_shared_name(plan))
    shared = Experiment(configuration, (SHARED,), pull=exchange.is_on())
    key = begin_reproduction(shared.name, f"{flow_run.id} {shared.name}")
    outcomes = reproduce_experiment(
        read_graph(Path.cwd()).select((SHARED,)), shared, {KEY: key, GROUP: plan.group}, timeout
    )
    failed = any(outcome.state == "failed" for outcome in outcomes.values())
    end_reproduction(key, "FAILED" if failed else "FINISHED")
    if failed:
        log("that failed: each experiment will say why")
    else:
        exchange.share(shared.name, find(shared.name), log)
    remove(shared.name)  # its name would tell nobody anything


def _shared_name(plan: Plan) -> str:
    return f"{plan.name}-shared"


def _run_missing(
    plan: Plan, missing: Sequence[Experiment], children: Children, hours_a_stage: float
) -> list[str]:
    """Ask for one flow run each and wait for all; returns which failed."""
    for experiment in missing:
        children.ask_for(
            experiment.name,
            {
                "targets": list(experiment.stages),
                "overrides": flatten(experiment.configuration.changes),
                "experiment": experiment.name,
                "hours_a_stage": hours_a_stage,
                "group": plan.group,
            },
        )
    return children.wait()


def _varies_shared(found: GridFile) -> bool:
    return any(key.split(".")[0] in SHARED_SECTIONS for key in grids.varied_keys(found))


def _draw(plan: Plan, journal: Journal, failed: Sequence[str]) -> int:
    """Draw the report of what is done; returns how many experiments are in it."""
    exchange.fetch(get_run_logger().info)
    done = only_done(plan.experiments, read_finished())
    if failed and not done:
        raise Incomplete(", ".join(failed))
    drawn = draw_up(plan.name, plan.grid, plan.combinations, done)
    for path in drawn.files:
        journal.artifact(path)
    journal.metrics({f"mean.{arms}": mean for arms, mean in drawn.means.items()})
    show.grid(plan.name, drawn)
    return drawn.count


def _settings(plan: Plan) -> dict[str, Any]:
    arms = {axis: ", ".join(found) for axis, found in plan.grid.vary.items()}
    return {"grid": plan.name, "measure": plan.grid.measure, "vary": arms,
            "seeds": str(plan.grid.seeds.values)}  # fmt: skip
