"""A grid from its file to its report, wherever its experiments run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.dotted_keys import Nested
from pipeline.driver.experiment_runs import read_kept
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

    def report(self, failed: Collection[str]) -> GridReport | None:
        """The report on all that ran, but for those of these names; none if they are all.

        Raises:
            UserError: they have no such measure.
        """
        ended = [each for each in self.combinations if each.name not in failed]
        return write_report(self.name, self.grid, ended, read_kept()) if ended else None


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
