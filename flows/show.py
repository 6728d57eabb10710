"""What a person sees of a flow run in Prefect's UI besides states and logs: its artifacts."""

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
)

from flows.graph import Graph
from flows.servers import addresses
from flows.stage import Outcome
from flows.summary import summarise
from pipeline.layout import REPORT, figures
from pipeline.params import MODELS
from pipeline.tracking import places

if TYPE_CHECKING:
    from pipeline.experiments.table import Drawn  # draws, which costs every flow run a second


@dataclass(frozen=True)
class Picture:
    """A picture that a stage draws.

    Attributes:
        key: of its artifact.
        stage: that draws it.
        file: in the folder of the stage's pictures.
        caption: what it shows.
    """

    key: str
    stage: str
    file: str
    caption: str


PICTURES = [
    picture
    for model in MODELS
    for picture in (
        Picture(
            f"training-{model}", f"train@{model}", "history.svg",
            f"{model.upper()}: loss and accuracy by epoch",
        ),
        Picture(
            f"confusion-{model}", "confusion", f"{model}.svg",
            f"{model.upper()}: true against predicted, test faces",
        ),
    )
]  # fmt: skip

LONGEST_PICTURE = 1_000_000
"""Bytes. Prefect keeps artifacts in its database."""


class Results(Protocol):
    """Files that a flow run left."""

    def read(self, path: Path) -> bytes | None:
        """A file's content; None if it is not there."""


@dataclass(frozen=True)
class Workspace:
    """Results that lie in the workspace."""

    root: Path

    def read(self, path: Path) -> bytes | None:
        """A file's content; None if it is not there."""
        whole = self.root / path
        return whole.read_bytes() if whole.is_file() else None


@dataclass(frozen=True)
class Experiment:
    """Results that DVC keeps of an experiment."""

    root: Path
    name: str

    def read(self, path: Path) -> bytes | None:
        """A file's content; None if it is not there, as after a failed experiment."""
        try:
            return bytes(self._files.read_bytes(path.as_posix()))
        except Exception as error:  # DVC's and git's, of many kinds: a picture is not worth a run
            logging.getLogger(__name__).debug("%s of %s: %s", path, self.name, error)
            return None

    @cached_property
    def _files(self) -> Any:
        from dvc.api import DVCFileSystem

        return DVCFileSystem(str(self.root), rev=self.name)


def results(graph: Graph, outcomes: Mapping[str, Outcome], found: Results) -> None:
    """States and metrics as a page, the main pictures as pictures."""
    page = summarise(graph, outcomes, found.read)
    create_markdown_artifact(page, "study", "States and metrics")
    ended_well = {name for name, outcome in outcomes.items() if outcome.state != "failed"}
    for picture in PICTURES:
        if picture.stage in ended_well:
            svg = found.read(figures(picture.stage) / picture.file)
            if svg and len(svg) < LONGEST_PICTURE:
                create_image_artifact(as_address(svg), picture.key, picture.caption)


def grid(name: str, drawn: "Drawn") -> None:
    """A grid's tables as a page, its figure as a picture."""
    create_markdown_artifact(drawn.markdown, f"grid-{name}", "Mean, spread, differences")
    figure = as_address(drawn.figure.read_bytes())
    create_image_artifact(figure, f"grid-{name}-figure", "Each arm, seed by seed")


def as_address(svg: bytes) -> str:
    """A picture as an address that needs no server; on white, as Prefect's pages are dark."""
    on_white = svg.replace(b"<svg ", b'<svg style="background:#fff" ', 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(on_white).decode()}"


def links(notes: Mapping[str, str]) -> None:
    """Links to the run in MLflow and to the report in it, if anything was recorded."""
    if "run" not in notes:
        return
    address = places.find_address(Path.cwd()).uri
    # A record in a database here is shown by `make server` and `mlflow ui`.
    server = places.without_secrets(address) if address.startswith("http") else addresses()[1]
    page = f"{server.rstrip('/')}/#/experiments/{notes['experiment']}/runs/{notes['run']}"
    create_link_artifact(page, "the run in MLflow", "mlflow", "Everything that was recorded")
    report = f"{page}/artifacts/{REPORT.name}"
    create_link_artifact(report, "the report", "report", "If the report was made anew")
