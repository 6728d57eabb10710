"""A grid's table: on the terminal, and as files."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markdown import Markdown

from pipeline.errors import UserError
from pipeline.experiments.finished import Finished
from pipeline.experiments.grid import Combination, GridFile, collect
from pipeline.experiments.summary import summarise, tabulate, write_markdown
from pipeline.layout import ARTIFACTS
from pipeline.stages.files import write_csv, write_text

TABLES = ARTIFACTS / "grids"
"""Not known to git or DVC: made from the experiments at any time."""


def draw_up(
    name: str,
    grid: GridFile,
    combinations: Sequence[Combination],
    finished: Mapping[str, Finished],
) -> None:
    """Print the table of the experiments that are there, and write it as CSV and Markdown.

    Raises:
        UserError: none is there, or they do not compare.
    """
    measured, missing = collect(grid, combinations, finished)
    if not measured:
        raise UserError(
            f"grid {name!r}: none of its {len(combinations)} experiments is there for this commit; "
            f"python -m pipeline.experiments grid {name}"
        )
    axes = {axis: list(arms) for axis, arms in grid.vary.items()}
    found = summarise(measured, base=combinations[0].arms)
    text = write_markdown(found, axes, grid.title, grid.measure)
    write_csv(TABLES / f"{name}.csv", tabulate(found, list(axes)))
    write_text(TABLES / f"{name}.md", text)
    Console(highlight=False).print(Markdown(text))
    print(f"{TABLES / name}.csv, {TABLES / name}.md")
    if missing:
        print(f"not there yet, {len(missing)} of {len(combinations)}: {', '.join(missing)}")
