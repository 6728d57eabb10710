"""A grid's report: on the terminal, and as files."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from pipeline import disk
from pipeline.errors import UserError
from pipeline.experiments.finished import Finished
from pipeline.experiments.grid import Arms, Combination, GridFile, collect, varied_keys
from pipeline.experiments.grid_figure import draw_grid
from pipeline.experiments.page import render
from pipeline.experiments.summary import summarise, tabulate, versus, write_markdown
from pipeline.figures.style import save
from pipeline.files import write_csv
from pipeline.layout import ARTIFACTS

TABLES = ARTIFACTS / "grids"
"""Not known to git or DVC: made from the experiments at any time."""


@dataclass(frozen=True)
class Drawn:
    """A grid's report.

    Attributes:
        count: of experiments that are in it.
        markdown: its tables.
        figure: where its picture lies.
        files: all files.
        means: mean of each arm, by the arms' names.
    """

    count: int
    markdown: str
    figure: Path
    files: Sequence[Path]
    means: Mapping[str, float]


def show_command(grid: GridFile) -> list[str]:
    """The call of DVC that lists experiments with the columns that matter to a grid."""
    measures = [grid.measure, *([grid.against] if grid.against else [])]
    columns = ["Experiment", *measures, *sorted(varied_keys(grid))]
    kept = f"^({'|'.join(map(re.escape, columns))})$"
    options = ["--only-changed", "--hide-workspace", "--no-pager", "--drop", ".*", "--keep", kept]
    return [sys.executable, "-m", "dvc", "exp", "show", *options]


def draw_up(
    name: str,
    grid: GridFile,
    combinations: Sequence[Combination],
    finished: Mapping[str, Finished],
) -> Drawn:
    """Print the tables of the experiments that are there; write them with a figure and a page.

    Raises:
        UserError: none is there, or they do not compare.
    """
    measured, missing = collect(grid, combinations, finished, grid.measure)
    if not measured:
        raise UserError(
            f"grid {name!r}: none of its {len(combinations)} experiments is there for this commit; "
            f"python -m pipeline.experiments grid {name}"
        )
    other: dict[Arms, dict[int, float]] = {}
    if grid.against:
        other, _ = collect(grid, combinations, finished, grid.against)
    axes = {axis: list(arms) for axis, arms in grid.vary.items()}
    found = summarise(measured, base=combinations[0].arms)
    gains = versus(measured, other)
    text = write_markdown(found, axes, grid.title, grid.measure, grid.against, gains)

    csv, markdown, figure, page = (
        TABLES / f"{name}.{kind}" for kind in ("csv", "md", "svg", "html")
    )
    write_csv(csv, tabulate(found, list(axes), gains))
    disk.write_text(markdown, text)
    save(draw_grid(measured, other, (grid.measure, grid.against), "Each arm, seed by seed"), figure)
    disk.write_text(page, render(text, figure.read_text(encoding="utf-8")))
    Console(highlight=False).print(Markdown(text))
    print(", ".join(map(str, (csv, markdown, figure, page))))
    if missing:
        print(f"not there yet, {len(missing)} of {len(combinations)}: {', '.join(missing)}")
    means = {".".join(arm.arms): arm.mean for arm in found}
    count = len(combinations) - len(missing)
    return Drawn(count, text, figure, (csv, markdown, figure, page), means)
