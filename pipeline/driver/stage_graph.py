"""Which stages there are and what each waits for, read from DVC."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError


@dataclass(frozen=True)
class Stage:
    """A stage of DVC's graph.

    Args:
        name: as `dvc repro` takes it; `train@cnn` for one cell of a matrix.
        needs: the stages whose outputs it reads.
        is_heavy: whether it fills the machine (`meta: {compute: heavy}` in dvc.yaml).
        metrics: the files of its metrics, relative to the project's folder.
    """

    name: str
    needs: tuple[str, ...] = ()
    is_heavy: bool = False
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Stages in the order in which `dvc repro` runs them: each after all that it needs."""

    stages: tuple[Stage, ...]

    def select(self, targets: Iterable[str]) -> "Graph":
        """The targets and everything upstream of them; the whole graph if there are none.

        Args:
            targets: names of stages; a matrix's name means all its cells.

        Raises:
            UserError: there is no such stage.
        """
        wanted: set[str] = set()
        for target in targets:
            wanted |= self._matching(target)
        if not wanted:
            return self
        for stage in reversed(self.stages):
            if stage.name in wanted:
                wanted.update(stage.needs)
        return Graph(tuple(stage for stage in self.stages if stage.name in wanted))

    def _matching(self, target: str) -> set[str]:
        names = [stage.name for stage in self.stages]
        found = {name for name in names if target in (name, name.rpartition("@")[0])}
        if not found:
            allowed = ", ".join(names)
            raise UserError(f"stage {target!r} is not in dvc.yaml; there are: {allowed}")
        return found


def read_graph(root: Path) -> Graph:
    """Ask DVC for the graph of a project.

    Args:
        root: the project's folder.

    Raises:
        UserError: DVC cannot read the project, or it has no stages.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    try:
        with Repo(str(root)) as repo:
            edges = repo.index.graph
            stages = [_describe(each, edges.successors(each)) for each in plan_repro(edges)]
    except DvcException as error:
        raise UserError(f"{root / 'dvc.yaml'}: {' '.join(str(error).split())}") from None
    if not stages:
        raise UserError(f"{root / 'dvc.yaml'}: no stages; run from the project's folder")
    return Graph(tuple(stages))


def _describe(stage: Any, needs: Iterable[Any]) -> Stage:
    return Stage(
        name=_name(stage),
        needs=tuple(sorted(_name(needed) for needed in needs)),
        is_heavy=(stage.meta or {}).get("compute") == "heavy",
        metrics=tuple(out.def_path for out in stage.outs if out.metric),
    )


def _name(stage: Any) -> str:
    """How `dvc repro` takes a stage in the project's folder, wherever this process works."""
    file, name = stage.path_in_repo, getattr(stage, "name", None)
    if not name:
        return str(file)  # of `dvc add` and `dvc import`: the .dvc file itself
    return str(name) if file == "dvc.yaml" else f"{file}:{name}"
