"""What a grid found: mean and spread of each arm, and how much it differs from the base arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

CONFIDENCE = 0.95

Arms = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """How much better an arm is than the base arm, seed by seed.

    Attributes:
        seeds: how many both have.
        mean: of the differences.
        low: end of the 95 % interval from Student's t with `seeds - 1` degrees of freedom; None
            where there is one seed, which says nothing about chance.
        high: the other end.
    """

    seeds: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Arm:
    """One combination of arms over its seeds.

    Attributes:
        arms: names, one for each axis.
        seeds: how many.
        mean: over them.
        spread: standard deviation over them (n - 1); None for one seed.
        difference: from the base arm; None for the base arm itself, or without a common seed.
    """

    arms: Arms
    seeds: int
    mean: float
    spread: float | None
    difference: Difference | None


def summarise(measured: Mapping[Arms, Mapping[int, float]], base: Arms) -> list[Arm]:
    """Mean and spread of each arm, and its paired difference from the base arm.

    Args:
        measured: of each arm, its figure by seed.
        base: the arm that the others are compared with.
    """
    reference = measured.get(base, {})
    found = []
    for arms, by_seed in measured.items():
        values = np.array([by_seed[seed] for seed in sorted(by_seed)])
        common = sorted(by_seed.keys() & reference.keys())
        difference = None
        if arms != base and common:
            difference = compare([by_seed[seed] - reference[seed] for seed in common])
        found.append(Arm(arms, len(values), float(values.mean()), _spread(values), difference))
    return found


def compare(differences: Sequence[float]) -> Difference:
    """The mean of paired differences, with Student's interval.

    The same seed gives both arms the same order of faces and, where their layers are the same, the
    same initial weights; the difference within a seed leaves that part of chance out.
    """
    values = np.array(differences)
    mean, spread, count = float(values.mean()), _spread(values), len(values)
    if spread is None:
        return Difference(count, mean, None, None)
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * spread / count**0.5
    return Difference(count, mean, mean - half, mean + half)


def versus(
    measured: Mapping[Arms, Mapping[int, float]], other: Mapping[Arms, Mapping[int, float]]
) -> dict[Arms, Difference]:
    """How much more each arm has of one measure than of another, seed by seed."""
    found = {}
    for arms, by_seed in measured.items():
        common = sorted(by_seed.keys() & other.get(arms, {}).keys())
        if common:
            found[arms] = compare([by_seed[seed] - other[arms][seed] for seed in common])
    return found


def tabulate(
    found: Sequence[Arm], axes: Sequence[str], gains: Mapping[Arms, Difference] | None = None
) -> pd.DataFrame:
    """One row an arm: a column for each axis, then the figures; as shares, not in per cent.

    Args:
        found: what is known of each arm.
        axes: their names.
        gains: of each arm, over another measure.
    """
    rows = [
        {
            **dict(zip(axes, arm.arms, strict=True)),
            "seeds": arm.seeds,
            "mean": arm.mean,
            "spread": arm.spread,
            **_columns("difference", arm.difference),
            **(_columns("gain", gains.get(arm.arms)) if gains else {}),
        }
        for arm in found
    ]
    return pd.DataFrame(rows)


def _spread(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _columns(name: str, found: Difference | None) -> dict[str, float | None]:
    ends = (found.mean, found.low, found.high) if found else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
