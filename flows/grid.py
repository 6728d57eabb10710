"""A grid of DVC experiments over all workers: one flow run each, then the table and its figure.

It runs in a pool of its own, so that waiting takes no place from those that train. What it asks for
is the deployment `study/by-hand`; which worker takes it, Prefect decides.
"""

from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from flows import remote_experiments
from flows.artifacts import show_grid
from flows.grid_subflows import run_subflows
from flows.study_parameters import Hours, read_overrides
from pipeline.dotted_keys import flatten
from pipeline.driver.git import read_commit
from pipeline.errors import UserError
from pipeline.experiments.grid_plan import GridPlan, plan_grid
from pipeline.record.address import digest
from pipeline.record.stage_run import stage_run

KNOWN = 60.0
"""Seconds that the record gets to open the grid's run, which its experiments are nested in."""


@flow(name="grid", persist_result=False)
def grid(
    name: str = "ablation",
    overrides: dict[str, Any] | None = None,
    hours_a_stage: Hours = 24.0,
) -> State[Any]:
    """Run every experiment of a grid on whichever worker is free; what is up to date, DVC skips.

    Args:
        name: A file of grids/.
        overrides: Parameters of every experiment, nested or dotted.
        hours_a_stage: A stage that takes longer is ended.

    Returns:
        Failed if an experiment failed or an argument is wrong; then nothing was started.
    """
    log = get_run_logger().info
    try:
        changes = read_overrides(overrides)
        plan = plan_grid(name, changes)
        remote_experiments.fetch(log)
    except UserError as error:
        return Failed(message=str(error))
    # The same grid on the same commit goes on in the same run of the record.
    settings = sorted((key, value) for each in changes for key, value in flatten(each).items())
    group = digest(f"grid {read_commit('HEAD')} {name} {settings}")

    # Changes and not an experiment's settings: faces have another path on each host.
    asked = {
        each.name: {
            "targets": plan.grid.stages,
            "overrides": flatten(each.configuration.changes),
            "experiment": each.name,
            "hours_a_stage": hours_a_stage,
            "group": group,
        }
        for each in plan.combinations
    }
    try:
        with stage_run(f"grid {name}", _describe(plan), resume=group, alone=True) as run:
            run.wait_until_begun(KNOWN)
            failed = run_subflows(asked, group, log)
            remote_experiments.fetch(log)
            if report := plan.report(failed):
                for path in report.files:
                    run.keep(path)
                run.measure({f"mean.{arms}": mean for arms, mean in report.means.items()})
                show_grid(name, report)
            if failed:  # raised in here, so that the record says it, too
                raise UserError(f"failed: {', '.join(failed)}; the flow run of each says why")
    except UserError as error:
        return Failed(message=str(error))
    return Completed(message=f"{len(plan.combinations)} experiments in the table")


def _describe(plan: GridPlan) -> dict[str, Any]:
    arms = {axis: ", ".join(found) for axis, found in plan.grid.vary.items()}
    return {"grid": plan.name, "measure": plan.grid.measure, "vary": arms,
            "seeds": str(plan.grid.seeds.values)}  # fmt: skip
