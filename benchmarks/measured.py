"""A measured number, and how benchmarks hand theirs on."""

import json
import os
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from timeit import repeat

from pipeline import markdown

INTO = "BENCH_INTO"
"""Environment variable: a file that takes the numbers of a script, one JSON object a line."""


@dataclass(frozen=True)
class Measured:
    """One number.

    Attributes:
        name: in results.json.
        value: the number.
        unit: of it; empty for a ratio or share.
        goal: what it should be, as in `>= 4`; empty where there is none.
        note: how it came about.
    """

    name: str
    value: float
    unit: str = ""
    goal: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """`yes` or `no`, whether the goal is met; empty where there is none."""
        if not self.goal:
            return ""
        sign, bound = self.goal.split()
        met = self.value >= float(bound) if sign == ">=" else self.value <= float(bound)
        return "yes" if met else "no"


def median(run: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of some rounds, after one more to warm up."""
    return statistics.median(repeat(run, number=1, repeat=rounds + 1)[1:])


def report(found: Iterable[Measured]) -> None:
    """Print numbers, and hand them to the script that asked for them."""
    rows = list(found)
    if target := os.environ.get(INTO):
        with Path(target).open("a") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
    print(table(rows), flush=True)


def table(rows: Iterable[Measured]) -> str:
    """A Markdown table."""
    return markdown.table(
        ("what", "value", "goal", "met", "how"),
        (
            (row.name, f"{row.value:.4g} {row.unit}", row.goal, row.verdict, row.note)
            for row in rows
        ),
    )
