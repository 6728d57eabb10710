"""The page at the end of a flow run: what became of each stage, and the numbers they left."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flows.graph import Graph
from flows.stage import Outcome
from pipeline.tracking.journal import flatten

Read = Callable[[Path], bytes | None]


def summarise(graph: Graph, outcomes: Mapping[str, Outcome], read: Read) -> str:
    """Two Markdown tables: states and seconds, metrics.

    Args:
        graph: The stages that were asked for.
        outcomes: Of each stage that was reproduced.
        read: Gives the content of a file that DVC left, None if it is not there.
    """
    states = [(stage.name, *_row(outcomes.get(stage.name))) for stage in graph.stages]
    metrics = [
        (stage.name, key, _text(value))
        for stage in graph.stages
        for key, value in _values(read, stage.metrics).items()
    ]
    parts = [_table(("Stage", "State", "Seconds"), states)]
    if metrics:
        parts.append(_table(("Stage", "Metric", "Value"), metrics))
    return "\n\n".join(parts) + "\n"


def describe(graph: Graph, outcomes: Mapping[str, Outcome]) -> str:
    """One line: how many stages ran, were cached, failed, did not run; which failed."""
    counts = Counter(_row(outcomes.get(stage.name))[0] for stage in graph.stages)
    text = ", ".join(f"{count} {state}" for state, count in counts.items())
    failed = [name for name, outcome in outcomes.items() if outcome.state == "failed"]
    return f"{text}: {', '.join(failed)} failed" if failed else text


def _row(outcome: Outcome | None) -> tuple[str, str]:
    return (outcome.state, f"{outcome.seconds:.1f}") if outcome else ("not run", "")


def _values(read: Read, files: Iterable[str]) -> dict[str, Any]:
    """All values of a stage's metric files; of a stage that failed DVC deleted them."""
    values: dict[str, Any] = {}
    for file in files:
        content = read(Path(file)) if file.endswith(".json") else None
        if content:
            values |= flatten(json.loads(content))
    return values


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in line) + " |" for line in lines)


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
