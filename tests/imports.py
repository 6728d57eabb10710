"""Which code decides what a stage gives, which of it dvc.yaml names, and what Python really loads.

A stage's own module decides, and all that it imports. Modules are read and not run, so that imports
within functions count, too; those for type checkers alone do not. A module whose name is only known
at run time (`importlib`) would not be seen.
"""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from pipeline.dvc_yaml import is_part

from .conftest import ROOT

STAGES = tuple(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
"""In the order of dvc.yaml; each has a folder of that name."""

SHARED = (
    "faces", "networks", "training", "statistics", "explaining", "figures", "wording", "detection",
    "record",
)  # fmt: skip
"""Folders that several stages use, and that use none."""

WITHOUT_NETWORK = (
    "settings", "sample", "ingest", "photographs", "split", "confusion", "report",
)  # fmt: skip

NEVER = ("mlflow", "prefect")


def needless(stage: str, loaded: set[str]) -> set[str]:
    """The slow libraries among those loaded that a stage has no use for."""
    return loaded & {*NEVER, *(["torch"] if stage in WITHOUT_NETWORK else [])}


def modules_loaded(code: str) -> set[str]:
    """Names of all modules that are loaded once the code has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def listed_code(stage: str, root: Path = ROOT) -> list[str]:
    """The files and folders of code that a stage depends on by dvc.yaml."""
    described = yaml.safe_load((root / "dvc.yaml").read_text())["stages"][stage]
    deps = described.get("do", described)["deps"]
    return [place for place in deps if is_part(place, of="pipeline")]


def missing_and_idle(deciding: set[str], listed: list[str]) -> tuple[list[str], list[str]]:
    """The files that no listed place covers, and the listed places that cover no file; sorted."""
    missing = [file for file in deciding if not any(is_part(file, of=place) for place in listed)]
    idle = [place for place in listed if not any(is_part(file, of=place) for file in deciding)]
    return sorted(missing), sorted(idle)


NEUTRAL: Mapping[str, str] = {
    "pipeline/compute_slot.py": "when a stage may start, and on which share of the machine",
    "pipeline/disk.py": "that a file is whole or absent; what stands in it, others say",
    "pipeline/errors.py": "how a mistake of the user's is told",
    "pipeline/dvc_yaml.py": "what DVC reads as well",
    "pipeline/ingest/words.py": "what is said of the faces, on a terminal and on the page",
    "pipeline/layout.py": "where files lie; dvc.yaml names the same places",
    "pipeline/params.py": "types and bounds; DVC compares the values, also of each params.py",
    "pipeline/shell.py": "arguments, signals, how errors are told",
    "pipeline/photographs/words.py": "what is said of copies, likewise",
    "pipeline/split/words.py": "what is said of the parts, likewise",
    "pipeline/stale.py": "which metrics nobody shall see any more",
    "pipeline/record": "the record of what was done",
}
"""Files and folders that change no result, and what they do instead; what only they import
changes none, either. Who puts a file here promises that for all that it will ever hold."""

NEUTRAL_IN_TRAININGS: Mapping[str, str] = {
    "pipeline/figures": "a nicer curve is no reason to train again",
}

TRAININGS = ("train", "semisupervised")
"""The stages that train."""


def deciding(stage: str, root: Path) -> set[str]:
    """The files that decide a stage's results, relative to the project's root.

    Args:
        stage: as in dvc.yaml, without what stands behind an @.
        root: the folder that holds the package `pipeline`.
    """
    neutral = {*NEUTRAL, *(NEUTRAL_IN_TRAININGS if stage in TRAININGS else ())}
    neutral |= {each.relative_to(root).as_posix() for each in root.glob("pipeline/*/params.py")}
    return imported(f"pipeline/{stage}/stage.py", root, neutral)


def imported(file: str, root: Path, without: Collection[str] = ()) -> set[str]:
    """A file and all files of its package that are loaded with it; those that only speak are none.

    Args:
        file: relative to the root, with slashes.
        root: the folder that holds the package.
        without: files and folders that are left out, with what only they import.
    """
    found: set[str] = set()
    silent: set[str] = set()
    rest = [file]
    while rest:
        each = rest.pop()
        if each in found | silent or any(is_part(each, of=place) for place in without):
            continue
        names, does_something = _read((root / each).read_text(encoding="utf-8"), each)
        (found if does_something else silent).add(each)
        rest += (path for name in names for path in _files_of(name, root))
    return found


def modules(root: Path) -> dict[str, set[str]]:
    """What each module of the study imports, as files; packages that it is in itself are not."""
    found = {}
    for path in (each for top in ("pipeline", "flows") for each in (root / top).rglob("*.py")):
        file = path.relative_to(root).as_posix()
        names = names_in(ast.parse(path.read_bytes(), file), file.split("/")[:-1])
        files = {each for name in names for each in _files_of(name, root)}
        found[file] = {each for each in files if not is_part(file, of=str(Path(each).parent))}
        found[file] |= {each for each in files - {file} if not each.endswith("/__init__.py")}
    return found


def rooms(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same between folders of `pipeline` and single modules beside them."""
    found: dict[str, set[str]] = {}
    for file, others in imports.items():
        found.setdefault(_room(file), set()).update({_room(each) for each in others})
    return {room: others - {room} for room, others in found.items()}


def _room(file: str) -> str:
    return "/".join(file.split("/")[:2])


@cache
def _read(source: str, file: str) -> tuple[tuple[str, ...], bool]:
    """The names of its package that a file imports, and whether it holds more than a docstring."""
    tree = ast.parse(source, file)
    package, *_ = folders = file.split("/")[:-1]
    names = (name for name in names_in(tree, folders) if name.split(".")[0] == package)
    return tuple(names), len(tree.body) > (ast.get_docstring(tree) is not None)


def names_in(node: ast.AST, folders: list[str]) -> Iterator[str]:
    """Every module that a piece of code may load; of `from a import b` both `a` and `a.b`."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import():
                yield from (alias.name for alias in child.names)
            case ast.ImportFrom():
                above = folders[: len(folders) + 1 - child.level] if child.level else []
                module = ".".join([*above, *([child.module] if child.module else [])])
                yield from (f"{module}.{alias.name}" for alias in child.names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                for other in child.orelse:
                    yield from names_in(ast.Module([other], []), folders)
            case _:
                yield from names_in(child, folders)


def _files_of(name: str, root: Path) -> Iterator[str]:
    """The files that importing a name runs: of each package on the way, and of the module."""
    path = ""
    for part in name.split("."):
        path = f"{path}/{part}".removeprefix("/")
        for file in (f"{path}/__init__.py", f"{path}.py"):
            if (root / file).is_file():
                yield file
