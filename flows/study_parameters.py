"""What a flow run is asked for: everything that can be wrong is found before a stage starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flows import remote_experiments
from pipeline.dotted_keys import Nested, nest
from pipeline.driver.experiment_runs import Experiment, check_name
from pipeline.driver.stage_graph import Graph, read_graph
from pipeline.driver.workspace import check_workspace
from pipeline.errors import UserError
from pipeline.experiments.recipes import check_source, configure, read_recipe

Hours = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A limit in which something can end: Prefect refuses a flow run that is asked for with another."""


@dataclass(frozen=True)
class StudyPlan:
    """A checked flow run; without an experiment the workspace itself is meant."""

    graph: Graph
    force: bool
    experiment: Experiment | None = None


def plan_study(
    targets: Sequence[str] | None = None,
    force: bool = False,
    overrides: Mapping[str, Any] | None = None,
    source: str | None = None,
    recipe: str | None = None,
    experiment: str | None = None,
    otherwise: str = "",
) -> StudyPlan:
    """Check what the flow `study` is asked for, which describes these arguments.

    `otherwise` is the name of an experiment that gets none.

    Raises:
        UserError: params.yaml, dvc.yaml, an override, the faces, a recipe or a target is wrong.
    """
    layers: list[Nested] = [read_recipe(recipe).overrides] if recipe else []
    layers += read_overrides(overrides)
    layers += [{"data": {"source": source}}] if source else []
    name = experiment or otherwise
    configuration = configure(name, layers, f"overrides of {name}")
    check_source(configuration.params)
    graph = read_graph(Path.cwd(), targets or ())
    if not layers and not experiment:
        return StudyPlan(graph, force)
    check_name(name)
    check_workspace()
    pull = remote_experiments.is_on()
    return StudyPlan(graph, force, configuration.experiment(targets or (), force=force, pull=pull))


def read_overrides(overrides: Mapping[str, Any] | None) -> list[Nested]:
    """Overrides as sections of params.yaml; none if there are none.

    Raises:
        UserError: a key has an empty part.
    """
    try:
        return [nest(overrides)] if overrides else []
    except ValueError as error:
        raise UserError(
            f"overrides: {str(error)!r}: not a parameter; one is train.cnn.epochs"
        ) from None
