"""A grid's report: tables in Markdown and as CSV, and a figure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markdown import Markdown

from pipeline import disk
from pipeline.driver.experiment_runs import KeptExperiment
from pipeline.errors import UserError
from pipeline.experiments.grid_figure import draw_grid
from pipeline.experiments.grid_statistics import summarise
from pipeline.experiments.grids import Arms, Combination, GridFile
from pipeline.figures.style import save
from pipeline.files import write_csv
from pipeline.layout import ARTIFACTS
from pipeline.markdown import table
from pipeline.wording.numbers import points

REPORTS = ARTIFACTS / "grids"
"""Not known to git or DVC: made from the experiments at any time."""


@dataclass(frozen=True)
class GridReport:
    """The tables, the file of the picture, all files, and each arm's mean by the arms' names."""

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
    """Print the tables of those experiments of a grid that succeeded; write them, with a figure.

    Raises:
        UserError: they have no such measure.
    """
    measured = collect(combinations, kept, grid.measure)
    other = collect(combinations, kept, grid.against) if grid.against else {}
    found = summarise(measured, other, grid.base_arms)
    text = write_markdown(found, grid)

    csv, markdown, figure = (REPORTS / f"{name}.{kind}" for kind in ("csv", "md", "svg"))
    write_csv(csv, found.rename_axis(list(grid.vary)).reset_index())
    save(draw_grid(measured, other, (grid.measure, grid.against)), figure)
    disk.write_text(markdown, f"{text}\n![Each arm's figures, a dot a seed]({figure.name})\n")
    Console(highlight=False).print(Markdown(text))
    print(", ".join(map(str, (csv, markdown, figure))))
    means = {".".join(arms): mean for arms, mean in zip(measured, found["mean"], strict=True)}
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


def write_markdown(found: pd.DataFrame, grid: GridFile) -> str:
    """Tables of what `summarise` found: the first axis in rows, the second in columns."""

    def matrix(describe: Callable[[Any], str]) -> str:
        cells = dict(zip(found.index, map(describe, found.itertuples()), strict=True))
        rows, *others = grid.vary.values()
        columns = [(arm,) for arm in others[0]] if others else [()]
        head = [" \\ ".join(grid.vary), *(column[0] if column else "" for column in columns)]
        table_rows = ([row, *(cells.get((row, *each), "") for each in columns)] for row in rows)
        return table(head, table_rows)

    def difference(arm: Any) -> str:
        return (
            "base"
            if arm.Index == grid.base_arms
            else _points(arm.difference, arm.difference_low, arm.difference_high)
        )

    parts = [
        f"# {grid.title}",
        f"`{grid.measure}` in %: mean ± standard deviation over seeds (how many). "
        f"{_seeds(grid)}\n{_faces(grid)}",
        matrix(_figure),
        f"Percentage points more than {' and '.join(grid.base_arms)}, seed by seed, with 95 % "
        "intervals from Student's t: over seeds and not over faces, and not corrected for how many "
        f"arms there are ({len(found)}). {_caution(max(found['seeds'], default=0))}",
        matrix(difference),
    ]
    if "gain" in found:
        parts += [
            f"Percentage points of `{grid.measure}` more than of `{grid.against}`, seed by seed, "
            "likewise.",
            matrix(lambda arm: _points(arm.gain, arm.gain_low, arm.gain_high)),
        ]
    return "\n\n".join(parts) + "\n"


def _seeds(grid: GridFile) -> str:
    """What a seed decides."""
    if any(key.split(".")[0] in ("data", "sample", "split") for key in grid.varied):
        return f"A seed is the value of {' and '.join(f'`{key}`' for key in grid.seeds.keys)}."
    return (
        "A seed decides the initial weights and the order of the faces; split and faces are the "
        "same for all."
    )


def _faces(grid: GridFile) -> str:
    """Which faces give the figures, and whether an arm may be chosen by them."""
    if "validation" in grid.measure:
        return "Validation faces give these figures: an arm may be chosen by them."
    return "Test faces give these figures and choose nothing: a choice would go by validation."


def _caution(seeds: int) -> str:
    if seeds < 2:
        return "One seed has no spread and no interval: chance alone may give any difference."
    if seeds < 10:
        return f"{seeds} seeds are few: the intervals are wide, and the spread itself is uncertain."
    return "An interval that holds 0 shows no difference."


def _figure(arm: Any) -> str:
    spread = "" if math.isnan(arm.spread) else f" ± {100 * arm.spread:.1f}"
    return f"{100 * arm.mean:.1f}{spread} ({arm.seeds})"


def _points(mean: float, low: float, high: float) -> str:
    if math.isnan(mean):
        return "no common seed"
    interval = "1" if math.isnan(low) else f"{points(low)} to {points(high)}"
    return f"{points(mean)} ({interval})"
