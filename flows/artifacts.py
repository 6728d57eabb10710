"""What a flow run shows in Prefect's UI besides states and logs: tables, pictures, links."""

import base64
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
)

from flows.servers import addresses
from pipeline.dotted_keys import flatten
from pipeline.driver.experiment_runs import find_reference
from pipeline.driver.git import read_commit
from pipeline.driver.stage_graph import Graph
from pipeline.driver.stage_runs import Outcome
from pipeline.layout import REPORT, figures
from pipeline.markdown import table
from pipeline.params import MODELS
from pipeline.record.address import find_address
from pipeline.record.spool import Parent

if TYPE_CHECKING:
    from pipeline.experiments.grid_report import GridReport  # pandas costs every flow run a second

Read = Callable[[Path], bytes | None]
"""Gives a file's content; None if it is not there."""

PICTURES = [
    picture
    for model in MODELS
    for picture in (
        (f"training-{model}", f"train@{model}", "history.svg", "loss and accuracy by epoch"),
        (f"confusion-{model}", "confusion", f"{model}.svg", "true against predicted, test faces"),
    )
]
"""Key of an artifact, the stage that draws it, its file, and what it shows."""

LONGEST_PICTURE = 1_000_000
"""Bytes. Prefect keeps artifacts in its database."""


def read_workspace(root: Path) -> Read:
    """Results that are in the workspace."""
    return lambda path: (root / path).read_bytes() if (root / path).is_file() else None


def read_experiment(root: Path, name: str) -> Read:
    """Results that DVC keeps of an experiment."""
    from dvc.api import DVCFileSystem

    # By its name alone, DVC would find a branch of that name first.
    commit = read_commit(find_reference(name)) or name
    open_once = cache(lambda: DVCFileSystem(str(root), rev=commit))

    def read(path: Path) -> bytes | None:
        try:
            return bytes(open_once().read_bytes(path.as_posix()))
        except Exception as error:  # DVC's and git's, of many kinds: a picture is not worth a run
            logging.getLogger(__name__).debug("%s of %s: %s", path, name, error)
            return None

    return read


def show_results(graph: Graph, outcomes: Mapping[str, Outcome], read: Read) -> None:
    """States and metrics as a page, the main pictures as pictures."""
    create_markdown_artifact(summarise(graph, outcomes, read), "study", "States and metrics")
    for key, stage, file, caption in PICTURES:
        if stage in outcomes and outcomes[stage].state != "failed":
            svg = read(figures(stage) / file)
            if svg and len(svg) < LONGEST_PICTURE:
                create_image_artifact(_as_address(svg), key, f"{key}: {caption}")


def show_grid(name: str, report: "GridReport") -> None:
    """A grid's tables as a page, its figure as a picture."""
    create_markdown_artifact(report.markdown, f"grid-{name}", "Mean, spread, differences")
    figure = _as_address(report.figure.read_bytes())
    create_image_artifact(figure, f"grid-{name}-figure", "Each arm, seed by seed")


def show_links(parent: Parent) -> None:
    """Links to a run's page in MLflow and to the report in it."""
    address = find_address(Path.cwd()).uri
    # A record in a database here is shown by `make server` and `mlflow ui`.
    server = address.rstrip("/") if address.startswith("http") else addresses()[1]
    page = f"{server}/#/experiments/{parent.experiment}/runs/{parent.run}"
    create_link_artifact(page, "the run in MLflow", "mlflow", "Everything that was recorded")
    report = f"{page}/artifacts/{REPORT.name}"
    create_link_artifact(report, "the report", "report", "If the report was made anew")


def summarise(graph: Graph, outcomes: Mapping[str, Outcome], read: Read) -> str:
    """Two Markdown tables: states and seconds, metrics; a stage that failed has none any more."""
    states = [(stage.name, *_row(outcomes.get(stage.name))) for stage in graph]
    metrics = [
        (stage.name, key, f"{value:.4g}" if isinstance(value, float) else str(value))
        for stage in graph
        for file in stage.metrics
        for key, value in _values(read(Path(file))).items()
    ]
    parts = [table(("Stage", "State", "Seconds"), states)]
    parts += [table(("Stage", "Metric", "Value"), metrics)] if metrics else []
    return "\n\n".join(parts) + "\n"


def describe(graph: Graph, outcomes: Mapping[str, Outcome]) -> str:
    """One line: how many stages ran, were cached, failed, did not run; which failed."""
    counts = Counter(_row(outcomes.get(stage.name))[0] for stage in graph)
    text = ", ".join(f"{count} {state}" for state, count in counts.items())
    failed = [name for name, outcome in outcomes.items() if outcome.state == "failed"]
    return f"{text}: {', '.join(failed)} failed" if failed else text


def _row(outcome: Outcome | None) -> tuple[str, str]:
    return (outcome.state, f"{outcome.seconds:.1f}") if outcome else ("not run", "")


def _values(content: bytes | None) -> dict[str, Any]:
    return flatten(json.loads(content)) if content else {}


def _as_address(svg: bytes) -> str:
    """A picture as an address that needs no server; on white, as Prefect's pages are dark."""
    on_white = svg.replace(b"<svg ", b'<svg style="background:#fff" ', 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(on_white).decode()}"
