"""Recipes: named overrides of params.yaml, checked together with it before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError
from pipeline.params import Params, load, parse

RECIPES = Path("recipes")

Model = TypeVar("Model", bound=BaseModel)

Overrides = dict[str, Any]
"""Sections of params.yaml, as deep as needed, with the values that differ."""


class RecipeFile(BaseModel):
    """A file in `recipes/`: what it is, and apart from that what it changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    source: str = ""
    extends: str = ""
    """Another recipe, over which this one's changes are laid."""
    overrides: Overrides


@dataclass(frozen=True)
class Configuration:
    """Parameters under a name.

    Attributes:
        name: of the experiment that runs them.
        changes: what differs from params.yaml, nested as it is there.
        params: all parameters, checked.
    """

    name: str
    changes: Overrides
    params: Params

    def renamed(self, name: str) -> "Configuration":
        """The same under another name."""
        return replace(self, name=name)


def list_files(folder: Path) -> list[str]:
    """The names of the YAML files in a folder, in order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def find_file(folder: Path, kind: str, name: str) -> Path:
    """The file of a recipe or grid.

    Raises:
        UserError: there is none of this name.
    """
    known = list_files(folder)
    if name not in known:
        choice = f"choose one of: {', '.join(known)}" if known else f"{folder}/ holds none"
        raise UserError(f"{kind} {name!r} is not known; {choice}")
    return folder / f"{name}.yaml"


def read_recipe(name: str, folder: Path = RECIPES) -> RecipeFile:
    """Read a recipe, laid over those that it extends.

    Raises:
        UserError: there is none of this name, it has other keys than a recipe, or extends itself.
    """
    recipe = read_file(find_file(folder, "recipe", name), RecipeFile)
    overrides, line = recipe.overrides, [name]
    while recipe.extends:
        if recipe.extends in line:
            raise UserError(f"recipe {' extends '.join([*line, repr(recipe.extends)])}: a circle")
        line.append(recipe.extends)
        below = read_file(find_file(folder, "recipe", recipe.extends), RecipeFile)
        overrides = merge(below.overrides, overrides)
        recipe = recipe.model_copy(update={"extends": below.extends})
    return recipe.model_copy(update={"overrides": overrides})


def configure(
    name: str, overrides: Sequence[Mapping[str, Any]], origin: str, base: Params | None = None
) -> Configuration:
    """Lay overrides over params.yaml, the later over the earlier, and check the whole.

    Args:
        name: of the experiment.
        overrides: nested as params.yaml is.
        origin: stands before a message: where the overrides are from.
        base: what they are laid over; None for params.yaml in the working directory.

    Raises:
        UserError: an override's key is not known, or its value not allowed.
    """
    changes: Overrides = {}
    for override in overrides:
        changes = merge(changes, override)
    merged = merge((base or load()).model_dump(), changes)
    return Configuration(name, changes, parse(merged, origin))


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Overrides:
    """A new mapping with the changes in it; sections are merged, all else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_assignment(text: str) -> Overrides:
    """`train.cnn.epochs=1` as an override; the value is read as params.yaml would read it.

    Raises:
        UserError: it is not of this form.
    """
    key, equals, value = text.partition("=")
    if (
        not equals
        or not all(key.split("."))
        or any(part != part.strip() for part in key.split("."))
    ):
        raise UserError(f"-S {text!r}: not key=value, as in train.cnn.epochs=1")
    override: Any = _parse_yaml(value, f"-S {text}")
    for part in reversed(key.split(".")):
        override = {part: override}
    return dict(override)


def read_file(path: Path, model: type[Model]) -> Model:
    """Read a YAML file of known keys.

    Raises:
        UserError: it is not YAML, or holds what is not allowed.
    """
    values = _parse_yaml(path.read_text(encoding="utf-8"), str(path))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        allowed = ", ".join(model.model_fields)
        found = (f"{_key(detail['loc'])}{detail['msg']}" for detail in error.errors())
        raise UserError(f"{path}: {'; '.join(found)}; known here: {allowed}") from None


def _key(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""


def _parse_yaml(text: str, name: str) -> Any:
    try:
        # YAML 1.2, as params.yaml is read: 1e-3 is a number, and `no` a word.
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UserError(f"{name}: not YAML: {' '.join(str(error).split())}") from None
