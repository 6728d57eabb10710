"""Which stages there are and what each waits for, read from DVC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError


@dataclass(frozen=True)
class Stage:
    """A stage of DVC's graph.

    Args:
        name: as `dvc repro` takes it; `train@cnn` for one of several (`foreach`).
        needs: the stages whose outputs it reads.
        is_heavy: whether it fills the machine (`meta: {compute: heavy}` in dvc.yaml).
        metrics: the files of its metrics, relative to the project's folder.
    """

    name: str
    needs: tuple[str, ...] = ()
    is_heavy: bool = False
    metrics: tuple[str, ...] = ()


Graph = Sequence[Stage]
"""Stages, each after all that it needs."""


def read_graph(root: Path, targets: Iterable[str] = ()) -> Graph:
    """Ask DVC for the stages of a project.

    Args:
        root: the project's folder.
        targets: the stages that are wanted, with all they need; the name of several means all of
            them. All stages if there are none.

    Raises:
        UserError: DVC cannot read the project, it has no stages, or none of a target's name.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    try:
        with Repo(str(root)) as repo:
            edges = repo.index.graph
            known = {_name(stage): stage for stage in edges}
            wanted = [stage for target in targets for stage in _find(target, known)]
            order = plan_repro(edges, wanted or None)
            stages = [_describe(each, edges.successors(each)) for each in order]
    except DvcException as error:
        raise UserError(f"{root / 'dvc.yaml'}: {' '.join(str(error).split())}") from None
    if not stages:
        raise UserError(f"{root / 'dvc.yaml'}: no stages; run from the project's folder")
    return stages


def _find(target: str, known: dict[str, Any]) -> list[Any]:
    found = [known[name] for name in known if target in (name, name.rpartition("@")[0])]
    if not found:
        raise UserError(f"stage {target!r} is not in dvc.yaml; there are: {', '.join(known)}")
    return found


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
