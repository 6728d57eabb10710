"""A grid from its file to its report, wherever its experiments run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.dotted_keys import Nested
from pipeline.driver.experiment_runs import Experiment, read_kept
from pipeline.driver.workspace import check_workspace
from pipeline.experiments.grid_report import GridReport, write_report
from pipeline.experiments.grids import Combination, GridFile, combine, read_grid
from pipeline.experiments.recipes import check_source


@dataclass(frozen=True)
class GridPlan:
    """A checked grid: its file's name and content, and all its experiments."""

    name: str
    grid: GridFile
    combinations: Sequence[Combination]

    def experiments(self) -> list[Experiment]:
        """All of them, ready to run."""
        return [each.configuration.experiment(self.grid.stages) for each in self.combinations]


def plan_grid(name: str, overrides: Sequence[Nested] = ()) -> GridPlan:
    """Check all that can be wrong before an experiment starts; overrides are of every one.

    Raises:
        UserError: the grid, an override, the faces or the workspace is wrong.
    """
    grid = read_grid(name)
    combinations = combine(name, grid, overrides)
    check_workspace()
    for each in combinations:
        check_source(each.configuration.params)
    return GridPlan(name, grid, combinations)


def run_grid(
    plan: GridPlan, run_all: Callable[[], list[str]]
) -> tuple[list[str], GridReport | None]:
    """Run a grid's experiments; DVC decides what of each is up to date.

    Args:
        plan: as checked.
        run_all: runs its experiments, and returns the names of those that failed.

    Returns:
        Those names, and the report on the others, if there are any.

    Raises:
        UserError: they have no such measure.
    """
    failed = run_all()
    ended = [each for each in plan.combinations if each.name not in failed]
    return failed, write_report(plan.name, plan.grid, ended, read_kept()) if ended else None
