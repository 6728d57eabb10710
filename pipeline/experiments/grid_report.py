"""A grid's report: tables in Markdown and as CSV, and a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from pipeline import disk
from pipeline.driver.experiment_runs import KeptExperiment
from pipeline.errors import UserError
from pipeline.experiments.grid_figure import draw_grid
from pipeline.experiments.grid_statistics import Arm, Difference, summarise, tabulate, versus
from pipeline.experiments.grids import Arms, Combination, GridFile
from pipeline.figures.style import save
from pipeline.files import write_csv
from pipeline.layout import ARTIFACTS
from pipeline.markdown import table

REPORTS = ARTIFACTS / "grids"
"""Not known to git or DVC: made from the experiments at any time."""


@dataclass(frozen=True)
class GridReport:
    """What was written.

    Attributes:
        markdown: its tables.
        figure: the file of its picture.
        files: all files.
        means: mean of each arm, by the arms' names.
    """

    markdown: str
    figure: Path
    files: Sequence[Path]
    means: Mapping[str, float]


def write_report(
    name: str,
    grid: GridFile,
    combinations: Sequence[Combination],
    kept: Mapping[str, KeptExperiment],
) -> GridReport:
    """Print the tables of a grid's experiments; write them, with a figure.

    Args:
        name: the grid's.
        grid: its content.
        combinations: those that succeeded.
        kept: what DVC keeps of them, by name.

    Raises:
        UserError: they have no such measure.
    """
    measured = collect(combinations, kept, grid.measure)
    other = collect(combinations, kept, grid.against) if grid.against else {}
    found = summarise(measured, base=grid.base_arms)
    gains = versus(measured, other)
    text = write_markdown(found, grid, gains)

    csv, markdown, figure = (REPORTS / f"{name}.{kind}" for kind in ("csv", "md", "svg"))
    write_csv(csv, tabulate(found, list(grid.vary), gains))
    save(draw_grid(measured, other, (grid.measure, grid.against), "Each arm, seed by seed"), figure)
    disk.write_text(markdown, f"{text}\n![Each arm's figures, a dot a seed]({figure.name})\n")
    Console(highlight=False).print(Markdown(text))
    print(", ".join(map(str, (csv, markdown, figure))))
    means = {".".join(arm.arms): arm.mean for arm in found}
    return GridReport(text, figure, (csv, markdown, figure), means)


def collect(
    combinations: Sequence[Combination], kept: Mapping[str, KeptExperiment], measure: str
) -> dict[Arms, dict[int, float]]:
    """A measure of each arm by seed.

    Raises:
        UserError: an experiment has no such measure.
    """
    measured: dict[Arms, dict[int, float]] = {}
    for each in combinations:
        metrics = kept[each.name].metrics if each.name in kept else {}
        if measure not in metrics:
            raise UserError(
                f"experiment {each.name!r}: no metric {measure!r}; there are: {', '.join(metrics)}"
            )
        measured.setdefault(each.arms, {})[each.seed] = metrics[measure]
    return measured


def write_markdown(
    found: Sequence[Arm], grid: GridFile, gains: Mapping[Arms, Difference] | None = None
) -> str:
    """Tables of figures and differences: the first axis in rows, the second in columns.

    Args:
        found: what is known of each arm.
        grid: whose arms they are.
        gains: of each arm, over the measure that the grid compares with.
    """
    seeds = max((arm.seeds for arm in found), default=0)
    parts = [
        f"# {grid.title}",
        f"`{grid.measure}` in %: mean ± standard deviation over seeds (how many). A seed decides "
        "the initial weights and the order of the faces; split and faces are the same for all.\n"
        "Test faces give these figures and choose nothing: a choice would go by validation.",
        _matrix({arm.arms: _figure(arm) for arm in found}, grid),
        f"Percentage points more than {' and '.join(grid.base_arms)}, seed by seed, with 95 % "
        f"intervals from Student's t. {_caution(seeds)}",
        _matrix({arm.arms: _difference(arm, grid.base_arms) for arm in found}, grid),
    ]
    if gains:
        parts += [
            f"Percentage points of `{grid.measure}` more than of `{grid.against}`, seed by seed, "
            "likewise.",
            _matrix({arms: _points(gain) for arms, gain in gains.items()}, grid),
        ]
    return "\n\n".join(parts) + "\n"


def _caution(seeds: int) -> str:
    if seeds < 2:
        return "One seed has no spread and no interval: chance alone may give any difference."
    if seeds < 10:
        return f"{seeds} seeds are few: the intervals are wide, and the spread itself is uncertain."
    return "An interval that holds 0 shows no difference."


def _figure(arm: Arm) -> str:
    spread = "" if arm.spread is None else f" ± {100 * arm.spread:.1f}"
    return f"{100 * arm.mean:.1f}{spread} ({arm.seeds})"


def _difference(arm: Arm, base: Arms) -> str:
    if arm.difference is None:
        return "base" if arm.arms == base else "no common seed"
    return _points(arm.difference)


def _points(found: Difference) -> str:
    if found.low is None or found.high is None:
        return f"{_signed(found.mean)} ({found.seeds})"
    return f"{_signed(found.mean)} ({_signed(found.low)} to {_signed(found.high)})"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _matrix(cells: Mapping[Arms, str], grid: GridFile) -> str:
    rows, *others = grid.vary.values()
    columns = [(arm,) for arm in others[0]] if others else [()]
    head = [" \\ ".join(grid.vary), *(column[0] if column else "" for column in columns)]
    return table(head, ([row, *(cells.get((row, *each), "") for each in columns)] for row in rows))
