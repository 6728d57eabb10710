"""Which expression and which part the path of a picture means.

The class is a folder's name, the part that of a folder above it or below; folders of other names
are wrappers, such as `archive/archive/`. KDEF's and JAFFE's pictures have it in their own name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipeline.errors import UserError
from pipeline.faces.batch import UNLABELLED
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.ingest.archives import Container
from pipeline.ingest.containers import Member, Passed
from pipeline.ingest.labels import MAPS, Labels
from pipeline.ingest.parts import part_of
from pipeline.ingest.pictures import Item
from pipeline.ingest.unknown_classes import setting_for

_UNLABELLED = ("unlabelled", "unlabeled", "unlabelled_images", "unlabeled_images")

_CODED = {
    # Session, sex, person, expression, angle: AF01ANS.JPG.
    "kdef": re.compile(r"^[AB][FM]\d\d([A-Z]{2})(?:S|HL|HR|FL|FR)$", re.IGNORECASE),
    # Person, expression and its number, number of the picture: KA.AN1.39.tiff.
    "jaffe": re.compile(r"^[A-Z]{2}\.([A-Z]{2})\d\.\d+$", re.IGNORECASE),
}


@dataclass(frozen=True)
class Classed:
    """Pictures with their classes, those that have none on purpose, and the rest."""

    items: list[Item]
    """Pictures to be read."""
    passed: list[Passed]
    notes: list[str] = field(default_factory=list)
    """What was understood that the source does not say by itself."""
    lists: list[str] = field(default_factory=list)
    """The files that name the classes, if some do."""
    labels: Labels | None = None
    """What reads the classes, where the pictures' names say which map it takes."""


def by_folders(container: Container, labels: Labels) -> Classed | None:
    """Pictures that have a class by their folders; None where no folder names a class.

    Faces of a part that has no class folders, such as `test/0001.png`, are without a label.

    Raises:
        UserError: a folder beside class folders is none, or a path names two.
    """
    paths = {_folder(member.name) for member in pictures_of(container)}
    places = {path: _class_folder(path, container, labels) for path in sorted(paths)}
    # The folders that hold class folders, `.` for the whole.
    above = {str(PurePosixPath(place).parent) for place in places.values() if place}
    parts = {path: part_in(path) for path in paths}
    items, passed = [], []
    _check_are_classes(paths, above, container, labels)
    for member in pictures_of(container):
        path = _folder(member.name)
        place, part = places[path], parts[path]
        if place:
            said = place.rpartition("/")[2]
            items.append(Item(member.name, labels.label(said) or 0, part, said))
        elif _is_part_without_classes(path, above):
            items.append(Item(member.name, UNLABELLED, part, ""))
        else:
            passed.append(Passed(member.name, "a picture outside the class folders"))
    for folder in sorted(container.folders):
        is_class = labels.label(PurePosixPath(folder).name) is not None and not _is_apart(folder)
        if is_class and not any(path == folder or _is_in(path, folder) for path in paths):
            passed.append(Passed(folder, "a class folder without a picture"))
    return Classed(items, passed) if above else None


def by_codes(container: Container, labels: Labels) -> Classed | None:
    """Pictures that are named as KDEF's or JAFFE's are, if most are."""
    for kind, pattern in _CODED.items():
        known = labels.beside(MAPS[kind])
        items, passed = [], []
        for member in pictures_of(container):
            path = PurePosixPath(member.name)
            match = pattern.match(path.stem)
            label = known.label(match[1].upper()) if match else None
            if match and label is not None:
                items.append(Item(member.name, label, part_in(str(path.parent)), match[1].upper()))
            else:
                passed.append(Passed(member.name, f"not named as {kind.upper()}'s pictures are"))
        if len(items) > len(passed):
            notes = [
                f"labels are the letters in {kind.upper()}'s names of pictures",
                "each person has several pictures there, and the split keeps photographs together, "
                "not people: accuracies are those of people who trained as well",
            ]
            return Classed(items, passed, notes, labels=known)
    return None


def pictures_of(container: Container, *, apart: bool = False) -> list[Member]:
    """Files that are pictures, those of kinds that are not read included.

    Those below a folder named `unlabelled`, which have no class by their place, if `apart`; else
    the others.
    """
    kinds = ("picture", "unread picture")
    return [
        each for each in container.members if each.kind in kinds and apart == _is_apart(each.name)
    ]


def part_in(path: str) -> str | None:
    """The part that the innermost of a path's folders names."""
    named = (part_of(folder) for folder in reversed(path.split("/")))
    return next((part for part in named if part), None)


def _is_apart(path: str) -> bool:
    return any(folder.lower() in _UNLABELLED for folder in path.split("/"))


def _folder(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _class_folder(path: str, container: Container, labels: Labels) -> str | None:
    """The path of the folder in a path that names the class; None if none does.

    Raises:
        UserError: two do, and differently.
    """
    folders = path.split("/")
    found = {
        i: label for i, each in enumerate(folders) if (label := labels.label(each)) is not None
    }
    # Beside names, numbers count something else, such as people.
    found = {i: label for i, label in found.items() if not folders[i].isdecimal()} or found
    if len(set(found.values())) > 1:
        names = " and ".join(repr(folders[i]) for i in found)
        raise UserError(
            f"{container.path.name}/{path}: {names} are two classes; "
            "expected one folder of a path to name an expression"
        )
    return "/".join(folders[: max(found) + 1]) if found else None


def _is_in(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _is_part_without_classes(path: str, above: set[str]) -> bool:
    folders = path.split("/")
    parts = ["/".join(folders[: i + 1]) for i, each in enumerate(folders) if part_of(each)]
    return bool(parts) and not any(each == parts[-1] or _is_in(each, parts[-1]) for each in above)


def _check_are_classes(
    paths: Iterable[str], above: set[str], container: Container, labels: Labels
) -> None:
    """See that no folder beside class folders has a name that means nothing: it may be misspelt.

    Raises:
        UserError: some have.
    """
    beside = {
        folder
        for path in map(PurePosixPath, paths)
        for folder in (path, *path.parents)
        if folder.name and str(folder.parent) in above and not part_of(folder.name)
    }
    for folder in sorted(beside, key=str):
        is_class = any(labels.label(each) is not None for each in folder.parts)
        if not is_class and not _is_part_without_classes(str(folder), above):
            raise UserError(
                f"{container.path.name}/{folder}: {folder.name!r} is no expression; expected "
                f"folders named {', '.join(EXPRESSIONS)}, or {labels.numbers}; "
                f"{setting_for(labels, folder.name, sorted({each.name for each in beside}))}"
            )
