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
            "difference": arm.difference and arm.difference.mean,
            "difference_low": arm.difference and arm.difference.low,
            "difference_high": arm.difference and arm.difference.high,
            **(_gain(gains.get(arm.arms)) if gains else {}),
        }
        for arm in found
    ]
    return pd.DataFrame(rows)


def write_markdown(
    found: Sequence[Arm],
    axes: Mapping[str, Sequence[str]],
    title: str,
    measure: str,
    against: str = "",
    gains: Mapping[Arms, Difference] | None = None,
) -> str:
    """Tables of figures and differences: the first axis in rows, the second in columns.

    Args:
        found: what is known of each arm.
        axes: the arms of each.
        title: of the grid.
        measure: what the figures are.
        against: another measure, which `gains` is over.
        gains: of each arm.
    """
    base = tuple(next(iter(arms)) for arms in axes.values())
    seeds = max((arm.seeds for arm in found), default=0)
    by_arms = {arm.arms: arm for arm in found}
    figures = {arms: _figure(arm) for arms, arm in by_arms.items()}
    differences = {arms: _difference(arm, base) for arms, arm in by_arms.items()}
    lines = [
        f"# {title}",
        "",
        f"`{measure}` in %: mean ± standard deviation over seeds (how many). A seed decides the "
        "initial weights and the order of the faces; split and faces are the same for all.",
        "Test faces give these figures and choose nothing: a choice would go by validation.",
        "",
        *_matrix(figures, axes),
        "",
        f"Percentage points more than {' and '.join(base)}, seed by seed, with 95 % intervals from "
        f"Student's t. {_caution(seeds)}",
        "",
        *_matrix(differences, axes),
        "",
    ]
    if gains:
        lines += [
            f"Percentage points of `{measure}` more than of `{against}`, seed by seed, likewise.",
            "",
            *_matrix({arms: _points(gain) for arms, gain in gains.items()}, axes),
            "",
        ]
    return "\n".join(lines)


def _spread(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _caution(seeds: int) -> str:
    if seeds < 2:
        return "One seed has no spread and no interval: it tells nothing from chance."
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


def _gain(found: Difference | None) -> dict[str, float | None]:
    ends = (found.mean, found.low, found.high) if found else (None, None, None)
    return dict(zip(("gain", "gain_low", "gain_high"), ends, strict=True))


def _points(found: Difference) -> str:
    if found.low is None or found.high is None:
        return f"{_signed(found.mean)} ({found.seeds})"
    return f"{_signed(found.mean)} ({_signed(found.low)} to {_signed(found.high)})"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _matrix(cells: Mapping[Arms, str], axes: Mapping[str, Sequence[str]]) -> list[str]:
    names = list(axes)
    columns = [(name,) for name in axes[names[1]]] if len(names) > 1 else [()]
    heads = [column[0] for column in columns if column] or [""]
    rows = [[row, *(cells.get((row, *column), "") for column in columns)] for row in axes[names[0]]]
    corner = " \\ ".join(names)
    return [
        f"| {corner} | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
