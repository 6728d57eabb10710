"""Grids: every combination of some arms and seeds over one fixed configuration."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import UserError
from pipeline.experiments.finished import SOURCE, Finished, differences
from pipeline.experiments.recipes import (
    RECIPES,
    Configuration,
    Overrides,
    configure,
    find_file,
    parse_assignment,
    read_file,
    read_recipe,
)
from pipeline.params import Seed
from pipeline.tracking.journal import flatten

GRIDS = Path("grids")

NAME = re.compile(r"[a-z0-9_]+")
"""Of an arm: a part of an experiment's name, whose parts `-` separates."""

Arms = tuple[str, ...]
"""One arm of each axis, in the order of the file."""


class Seeds(BaseModel):
    """What is repeated, and how often."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    keys: Annotated[list[str], Field(min_length=1)]
    values: Annotated[list[Seed], Field(min_length=1)]


class GridFile(BaseModel):
    """A file in `grids/`: what stays, what is varied, and how often each arm is repeated."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    source: str = ""
    recipe: str = ""
    stages: list[str] = []
    measure: str
    against: str = ""
    base: Overrides = {}
    vary: Annotated[dict[str, dict[str, Overrides]], Field(min_length=1, max_length=2)]
    seeds: Seeds


@dataclass(frozen=True)
class Combination:
    """One experiment of a grid."""

    arms: Arms
    seed: int
    configuration: Configuration


def read_grid(name: str, folder: Path = GRIDS) -> GridFile:
    """Read a grid.

    Raises:
        UserError: there is none of this name, or it holds what a grid does not.
    """
    path = find_file(folder, "grid", name)
    grid = read_file(path, GridFile)
    for axis, arms in grid.vary.items():
        for arm in arms:
            if not NAME.fullmatch(arm):
                raise UserError(
                    f"{path}: vary.{axis}.{arm!r}: an arm's name is a part of its experiments' "
                    f"names; allowed: a to z, 0 to 9 and _"
                )
    return grid


def combine(
    name: str, grid: GridFile, overrides: Sequence[Overrides] = (), recipes: Path = RECIPES
) -> list[Combination]:
    """All experiments of a grid, seed by seed of each arm, every one checked.

    Args:
        name: the grid's; each experiment's name begins with it.
        grid: as read.
        overrides: of every experiment, over the grid's `base`.
        recipes: the folder of the recipe that the grid may stand on.

    Raises:
        UserError: a key is not known, a value not allowed, or an override is of a varied key.
    """
    varied = varied_keys(grid)
    for key in itertools.chain.from_iterable(map(flatten, overrides)):
        if key in varied:
            raise UserError(
                f"-S {key}: the grid {name!r} varies it; change it in grids/{name}.yaml"
            )
    fixed = [read_recipe(grid.recipe, recipes).overrides] if grid.recipe else []
    found = []
    for arms in itertools.product(*grid.vary.values()):
        chosen = [grid.vary[axis][arm] for axis, arm in zip(grid.vary, arms, strict=True)]
        for seed in grid.seeds.values:
            seeds = [parse_assignment(f"{key}={seed}") for key in grid.seeds.keys]
            experiment = "-".join([name, *arms, str(seed)])
            layers = [*fixed, grid.base, *overrides, *chosen, *seeds]
            configuration = configure(experiment, layers, f"grid {name}, {experiment}")
            found.append(Combination(arms, seed, configuration))
    return found


def varied_keys(grid: GridFile) -> set[str]:
    """The parameters in which the experiments of a grid differ."""
    arms = itertools.chain.from_iterable(axis.values() for axis in grid.vary.values())
    return set(grid.seeds.keys).union(*map(flatten, arms))


def collect(
    grid: GridFile,
    combinations: Sequence[Combination],
    finished: Mapping[str, Finished],
    measure: str,
) -> tuple[dict[Arms, dict[int, float]], list[str]]:
    """A measure of each arm by seed, and the names of experiments that are not there yet.

    Raises:
        UserError: experiments differ in more than the grid varies, so that they do not compare.
    """
    varied, first = varied_keys(grid), None
    measured: dict[Arms, dict[int, float]] = {}
    missing = []
    for combination in combinations:
        name = combination.configuration.name
        experiment = finished.get(name)
        value = experiment.metrics.get(measure) if experiment else None
        if experiment is None or value is None:
            missing.append(name)
            continue
        first = first or experiment
        wanted = flatten(combination.configuration.params.model_dump())
        reference: dict[str, Any] = {**first.params, **{key: wanted.get(key) for key in varied}}
        if SOURCE not in differences({SOURCE: first.params.get(SOURCE)}, wanted):
            reference[SOURCE] = wanted[SOURCE]  # each machine has it under another path
        for key in differences(experiment.params, reference):
            raise UserError(
                f"experiment {name!r}: {key} = {experiment.params[key]!r}, needed to compare: "
                f"{reference.get(key)!r}; run the grid again, with one -S for all of it"
            )
        measured.setdefault(combination.arms, {})[combination.seed] = value
    return measured, missing


def describe(grid: GridFile) -> str:
    """How large a grid is, as in `3 x 3 arms, 3 seeds`."""
    sizes = " x ".join(str(len(arms)) for arms in grid.vary.values())
    return f"{sizes} arms, {len(grid.seeds.values)} seeds"
