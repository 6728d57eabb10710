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
from flows.plan import nest
from pipeline.errors import UserError
from pipeline.experiments import grid as grids
from pipeline.experiments.finished import read_finished
from pipeline.experiments.grid import Combination, GridFile
from pipeline.experiments.running import (
    Experiment,
    check_workspace,
    is_done,
    prepare,
    remove,
    revision,
    run,
)
from pipeline.experiments.table import Drawn, draw_up
from pipeline.tracking import places
from pipeline.tracking.journal import Journal, flatten, stage_run
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
        plan = make_plan(name, overrides)
        exchange.fetch(log)
    except UserError as error:
        return Failed(message=str(error))
    finished = {} if again else read_finished()
    missing = [found for found in plan.experiments if not is_done(found, finished)]
    log(
        "%d experiments, %d done already",
        len(plan.experiments),
        len(plan.experiments) - len(missing),
    )
    try:
        with stage_run(f"grid {name}", _settings(plan), resume=plan.group, alone=True) as journal:
            wait_until_known(places.Desk(Path.cwd()), plan.group, KNOWN)
            failed = _run_missing(plan, missing, hours_a_stage)
            drawn = _draw(plan, journal)
            if failed:
                raise Incomplete(", ".join(failed))
    except Incomplete as error:
        return Failed(message=f"failed: {error}; the reason stands in each one's flow run")
    return Completed(message=f"{len(missing)} run, {drawn.count} in the table")


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
        Experiment(prepare(each.configuration), tuple(found.stages), pull=exchange.is_on())
        for each in combinations
    ]
    # The same grid on the same commit goes on in the same run of the record.
    group = places.digest(f"grid {revision()} {name} {sorted(flatten(changes).items())}")
    return Plan(name, found, combinations, experiments, group)


def _run_missing(plan: Plan, missing: Sequence[Experiment], hours_a_stage: float) -> list[str]:
    """Run what all have in common once, then each on its own; returns which failed."""
    log = get_run_logger().info
    if len(missing) > 1 and not _varies_shared(plan.grid):
        first = missing[0]
        shared = Experiment(first.configuration.renamed(f"{plan.name}-shared"), (SHARED,))
        log("%s and all it needs, once for all", SHARED)
        if not run(shared):
            log("that failed: each experiment will say why")
        elif exchange.is_on():
            exchange.push(shared.name, log)
        remove(shared.name)
    children = Children(plan.group, str(flow_run.id), log)
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


def _draw(plan: Plan, journal: Journal) -> Drawn:
    exchange.fetch(get_run_logger().info)
    drawn = draw_up(plan.name, plan.grid, plan.combinations, read_finished())
    for path in drawn.files:
        journal.artifact(path)
    journal.metrics({f"mean.{arms}": mean for arms, mean in drawn.means.items()})
    show.grid(plan.name, drawn)
    return drawn


def _settings(plan: Plan) -> dict[str, Any]:
    arms = {axis: ", ".join(found) for axis, found in plan.grid.vary.items()}
    return {"grid": plan.name, "measure": plan.grid.measure, "vary": arms,
            "seeds": str(plan.grid.seeds.values)}  # fmt: skip
