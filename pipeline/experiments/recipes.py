"""Recipes: named overrides of params.yaml, checked together with it before anything starts."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline import layout
from pipeline.dotted_keys import Nested, flatten, is_in, merge, nest
from pipeline.driver.experiment_runs import Experiment, check_keys
from pipeline.errors import UserError
from pipeline.params import Params, load, parse, read_yaml

RECIPES = Path("recipes")

Model = TypeVar("Model", bound=BaseModel)


class RecipeFile(BaseModel):
    """A file in `recipes/`: what it is, and apart from that what it changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    source: str = ""
    extends: str = ""
    """Another recipe, over which this one's changes are laid."""
    overrides: Nested


@dataclass(frozen=True)
class Configuration:
    """Parameters under an experiment's name: what differs from params.yaml, and all, checked."""

    name: str
    changes: Nested
    params: Params

    def experiment(
        self, stages: Sequence[str] = (), *, force: bool = False, pull: bool = False
    ) -> Experiment:
        """The DVC experiment that runs them.

        A stage's output such as the sample faces is made in the experiment's copy; other faces stay
        where they are, outside of what git and DVC carry, and need their whole path.

        Raises:
            UserError: a map of labels has a name that DVC cannot set.
        """
        settings = flatten(self.changes)
        labels = self.changes.get("data", {}).get("labels")
        if isinstance(labels, Mapping):  # one value, of whose keys DVC knows none
            settings = {key: settings[key] for key in settings if not is_in(key, "data.labels")}
            check_keys(labels)
            settings["++data.labels"] = dict(labels)
        source = self.params.data.source
        if not layout.is_sample(source):
            settings["data.source"] = str(Path(source).resolve())
        return Experiment(self.name, settings, tuple(stages), force, pull)


def list_files(folder: Path) -> list[str]:
    """The names of the YAML files in a folder, in order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_recipe(name: str) -> RecipeFile:
    """Read a recipe, laid over those that it extends.

    Raises:
        UserError: there is none of this name, it has other keys than a recipe, or extends itself.
    """
    recipe = read_file(RECIPES, "recipe", name, RecipeFile)
    overrides, line = recipe.overrides, [name]
    while recipe.extends:
        if recipe.extends in line:
            raise UserError(f"recipe {' extends '.join([*line, repr(recipe.extends)])}: a circle")
        line.append(recipe.extends)
        below = read_file(RECIPES, "recipe", recipe.extends, RecipeFile)
        overrides = merge(below.overrides, overrides)
        recipe = recipe.model_copy(update={"extends": below.extends})
    return recipe.model_copy(update={"overrides": overrides})


def configure(name: str, overrides: Sequence[Mapping[str, Any]], origin: str) -> Configuration:
    """Lay overrides over params.yaml, the later over the earlier, and check the whole.

    Args:
        name: of the experiment.
        overrides: nested as params.yaml is.
        origin: where they are from; a message begins with it.

    Raises:
        UserError: an override's key is not known, or its value not allowed.
    """
    changes: Nested = {}
    for override in overrides:
        changes = merge(changes, override)
    merged = merge(load().model_dump(), changes)
    return Configuration(name, changes, parse(merged, origin))


def check_source(params: Params) -> None:
    """See that the faces are where `data.source` says.

    Raises:
        UserError: there are no such faces, or they may not be read.
    """
    source = Path(params.data.source)
    if layout.is_sample(params.data.source):
        return
    try:
        with os.scandir(source) if source.is_dir() else source.open("rb"):
            pass
    except FileNotFoundError:
        raise UserError(
            f"data.source = {str(source)!r}: no such file or folder; README.md says what it can be"
        ) from None
    except OSError as error:
        raise UserError(
            f"data.source = {str(source)!r}: cannot be read: {error.strerror}; data/raw/"
            f"{source.name} can be, after sudo cp -r {shlex.quote(str(source))} data/raw "
            "&& sudo chmod -R a+rX data/raw"
        ) from None


def parse_assignment(text: str) -> Nested:
    """`train.cnn.epochs=1` as an override; the value is read as params.yaml would read it.

    Raises:
        UserError: it is not of this form.
    """
    key, equals, value = text.partition("=")
    try:
        if equals:
            return nest({key: read_yaml(value, f"-S {text}")})
    except ValueError:  # the key has an empty part
        pass
    raise UserError(f"-S {text!r}: not key=value, as in train.cnn.epochs=1")


def read_file(folder: Path, kind: str, name: str, model: type[Model]) -> Model:
    """Read a recipe or grid: a YAML file of known keys.

    Raises:
        UserError: there is none of this name, it is not YAML, or holds what is not allowed.
    """
    known, path = list_files(folder), folder / f"{name}.yaml"
    if name not in known:
        choice = f"choose one of: {', '.join(known)}" if known else f"{folder}/ holds none"
        raise UserError(f"{kind} {name!r} is not known; {choice}")
    values = read_yaml(path.read_bytes(), str(path))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        allowed = ", ".join(model.model_fields)
        found = (
            ": ".join(filter(None, [".".join(map(str, each["loc"])), each["msg"]]))
            for each in error.errors()
        )
        raise UserError(f"{path}: {'; '.join(found)}; known here: {allowed}") from None
