"""What a grid found: mean and spread of each arm, and how much it differs from the base arm."""

from collections.abc import Mapping

import pandas as pd
from scipy.stats import t

from pipeline.experiments.grids import Arms
from pipeline.statistics.intervals import HIGH

FiguresByArm = Mapping[Arms, Mapping[int, float]]
"""Of each arm, its figure by seed."""


def summarise(measured: FiguresByArm, other: FiguresByArm, base: Arms) -> pd.DataFrame:
    """One row an arm, by its arms' names: seeds, mean and spread, and what `compare` finds.

    The spread is the standard deviation over seeds (n - 1); what one seed cannot tell is NaN.

    Args:
        measured: the figures.
        other: another measure of the same experiments; may be empty.
        base: the arm that the others are compared with, in the columns of `difference`; its own row
            has none. Those of `gain` compare each arm with its other measure.
    """
    table = _tabulate(measured)
    found = pd.DataFrame(
        {"seeds": table.count(axis=1), "mean": table.mean(axis=1), "spread": table.std(axis=1)}
    )
    differences = table - table.reindex([base]).iloc[0]
    differences[table.index == base] = float("nan")
    parts = [found, compare(differences, "difference")]
    if other:
        parts.append(compare(table - _tabulate(other).reindex(table.index), "gain"))
    return pd.concat(parts, axis=1)


def compare(differences: pd.DataFrame, name: str) -> pd.DataFrame:
    """The mean of paired differences in each row, and its 95 % interval by Student's t.

    The same seed gives both arms the same order of faces and, where their layers are the same, the
    same initial weights; the difference within a seed leaves that part of chance out.

    Args:
        differences: one column a seed; NaN where one of the two has no such seed.
        name: of the column of means; those of the ends are `NAME_low` and `NAME_high`.
    """
    mean, freedom = differences.mean(axis=1), differences.count(axis=1) - 1
    half = differences.sem(axis=1) * t.ppf(HIGH / 100, freedom)
    return pd.DataFrame({name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half})


def _tabulate(measured: FiguresByArm) -> pd.DataFrame:
    """One row an arm, one column a seed."""
    return pd.DataFrame(list(measured.values()), index=pd.MultiIndex.from_tuples(list(measured)))
