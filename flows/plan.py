"""What a flow run is to do: everything that can be wrong is found before a stage starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import exchange
from flows.graph import Graph, read_graph
from pipeline import params
from pipeline.errors import UserError
from pipeline.experiments.recipes import Overrides, configure, merge, read_recipe
from pipeline.experiments.running import (
    Experiment,
    check_name,
    check_source,
    check_workspace,
)
from pipeline.layout import PARAMS


@dataclass(frozen=True)
class Plan:
    """A checked flow run.

    Attributes:
        graph: the stages that are wanted, with all they need.
        force: whether stages run that are up to date.
        experiment: what differs from the workspace; None where the workspace itself is meant.
        name: of the experiment, or empty.
    """

    graph: Graph
    force: bool
    experiment: Experiment | None = None

    @property
    def name(self) -> str:
        """Of the experiment, or empty."""
        return self.experiment.name if self.experiment else ""


def make_plan(
    root: Path,
    targets: Sequence[str] | None = None,
    force: bool = False,
    overrides: Mapping[str, Any] | None = None,
    source: str | None = None,
    recipe: str | None = None,
    experiment: str | None = None,
    otherwise: str = "",
) -> Plan:
    """Check all that can be wrong before a stage starts.

    Args:
        root: the project's folder, which is the working directory.
        targets: stages that are wanted; None or empty for all.
        force: run stages that are up to date, too.
        overrides: over params.yaml, nested or dotted.
        source: in place of `data.source`.
        recipe: a name in recipes/.
        experiment: its name.
        otherwise: its name if it gets none.

    Raises:
        UserError: params.yaml, dvc.yaml, an override, the faces, a recipe or a target is wrong.
    """
    known = params.load(root / PARAMS)
    graph = read_graph(root).select(targets or ())
    layers: list[Overrides] = [read_recipe(recipe).overrides] if recipe else []
    layers += [nest(overrides)] if overrides else []
    layers += [{"data": {"source": source}}] if source else []
    if not layers and not experiment:
        check_source(known.data.source)
        return Plan(graph, force)
    name = experiment or otherwise
    check_name(name)
    configuration = configure(name, layers, f"overrides of {name}")
    check_source(configuration.params.data.source)
    check_workspace()
    return Plan(
        graph, force, Experiment(configuration, tuple(targets or ()), force, exchange.is_on())
    )


def seconds(hours: float) -> float:
    """A limit of time in seconds.

    Raises:
        UserError: nothing could end in that time.
    """
    if not 0 < hours < float("inf"):
        raise UserError(f"hours_a_stage = {hours:g}: should be more than 0, such as 24")
    return hours * 3600


def nest(overrides: Mapping[str, Any]) -> Overrides:
    """Dotted keys as sections: `{"a.b": 1}` becomes `{"a": {"b": 1}}`.

    Raises:
        UserError: a key has an empty part.
    """
    nested: Overrides = {}
    for key, value in overrides.items():
        parts = str(key).split(".")
        if not all(parts):
            raise UserError(f"overrides: {key!r}: not a parameter; one is train.cnn.epochs")
        inner: Any = nest(value) if isinstance(value, Mapping) else value
        for part in reversed(parts):
            inner = {part: inner}
        nested = merge(nested, inner)
    return nested
