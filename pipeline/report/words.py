"""What the page says of itself: its comparisons, and what the results were made with."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipeline.dotted_keys import flatten
from pipeline.params import Params
from pipeline.record.made_by import versions as versions
from pipeline.statistics.trainings import holm
from pipeline.wording.numbers import probability


def compared_together(comparisons: Mapping[str, float]) -> str:
    """All comparisons of the page by name, their p values corrected for how many there are.

    Empty where there are fewer than two, as nothing is to be corrected then.
    """
    if len(comparisons) < 2:
        return ""
    corrected = holm(list(comparisons.values()))
    each = ", ".join(
        f"{name} {probability(p)}" for name, p in zip(comparisons, corrected, strict=True)
    )
    return (
        f"The page compares networks, or ways to train them, {len(comparisons)} times. Intervals "
        "and p values are those of each comparison by itself; corrected for their number (Holm), "
        f"{each}."
    )


def code_md5(package: Path = Path(__file__).parents[1]) -> str:
    """MD5 sum over the names and contents of a package's Python files."""
    digest = hashlib.md5(usedforsecurity=False)
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def parameter_rows(params: Params) -> list[tuple[str, str]]:
    """Every parameter, by its dotted name."""
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in flatten(params.model_dump()).items()
    ]
