"""Grids: every combination of some arms and seeds over one fixed configuration."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipeline.dotted_keys import Nested, flatten
from pipeline.errors import UserError
from pipeline.experiments.recipes import (
    Configuration,
    configure,
    parse_assignment,
    read_file,
    read_recipe,
)
from pipeline.params import Seed

GRIDS = Path("grids")


def _check_name(arm: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", arm):
        raise ValueError(
            "an arm's name is a part of its experiments' names; allowed: a to z, 0 to 9 and _"
        )
    return arm


Axis = Annotated[dict[Annotated[str, AfterValidator(_check_name)], Nested], Field(min_length=1)]
"""What is set in each arm, by its name."""

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
    base: Nested = {}
    vary: Annotated[dict[str, Axis], Field(min_length=1, max_length=2)]
    seeds: Seeds

    @property
    def size(self) -> str:
        """As in `3 x 3 arms, 3 seeds`."""
        sizes = " x ".join(str(len(arms)) for arms in self.vary.values())
        return f"{sizes} arms, {len(self.seeds.values)} seeds"

    @property
    def base_arms(self) -> Arms:
        """The first arm of each axis, with which the others are compared."""
        return tuple(next(iter(arms)) for arms in self.vary.values())

    @property
    def varied(self) -> set[str]:
        """The parameters in which the experiments differ, by dotted key."""
        arms = itertools.chain.from_iterable(axis.values() for axis in self.vary.values())
        return set(self.seeds.keys).union(*map(flatten, arms))


@dataclass(frozen=True)
class Combination:
    """One experiment of a grid."""

    arms: Arms
    seed: int
    configuration: Configuration

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self.configuration.name


def read_grid(name: str) -> GridFile:
    """Read a grid.

    Raises:
        UserError: there is none of this name, or it holds what a grid does not.
    """
    return read_file(GRIDS, "grid", name, GridFile)


def combine(name: str, grid: GridFile, overrides: Sequence[Nested] = ()) -> list[Combination]:
    """All experiments of a grid, seed by seed of each arm, every one checked.

    Overrides are of every experiment, over the grid's `base`.

    Raises:
        UserError: a key is not known, a value not allowed, or an override is of a varied key.
    """
    for key in itertools.chain.from_iterable(map(flatten, overrides)):
        if key in grid.varied:
            raise UserError(
                f"-S {key}: the grid {name!r} varies it; change it in grids/{name}.yaml"
            )
    fixed = [read_recipe(grid.recipe).overrides] if grid.recipe else []
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
