"""Whether folders, pictures' own names or a list say what pictures show, where several might.

Folders that are mere numbers may count anything, as AffectNet's 1 to 1500 do: a list that names
most of their pictures comes before them. Folders with names of expressions and a list must agree.
A picture below a folder named `unlabelled` has a class only by a list that writes its path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.errors import UserError
from pipeline.faces.batch import UNLABELLED
from pipeline.ingest.archives import Container
from pipeline.ingest.classes import Classed, by_codes, by_folders, part_in, pictures_of
from pipeline.ingest.label_list import Lines, Row, by_lists, join, read_lists
from pipeline.ingest.labels import Labels
from pipeline.ingest.pictures import Item


def classify(container: Container, lists: Sequence[Lines], labels: Labels) -> Classed | None:
    """Pictures with their classes; None if nothing says any.

    Raises:
        UserError: folders and a list say different things; or see `by_folders` and `by_lists`.
    """
    joined = join(container, read_lists(lists))
    rows = {picture: row for row, picture in joined if picture}
    names = [each.name for each in pictures_of(container)]
    list_wins = _are_numbers(names, labels) and 2 * len(rows) > len(names)
    try:
        found = by_folders(container, labels)
    except UserError:
        if not list_wins:
            raise
        found = None
    if found and (odd := _first_other(found.items, rows, labels, strict=list_wins)):
        if not list_wins:
            row = rows[odd.name]
            raise UserError(
                f"{container.path.name}/{odd.name}: {odd.said!r} by its folder and {row.said!r} by "
                f"{row.file}; mend the wrong one; or, to go by folders alone, move {row.file} "
                "elsewhere, to go by the list, move all pictures into one folder"
            )
        found = None
    found = found or by_codes(container, labels) or by_lists(container, joined, labels)
    if found is None:
        return None
    listed = {item.name for item in found.items}
    apart = [each.name for each in pictures_of(container, apart=True) if each.name not in listed]
    others = [Item(name, UNLABELLED, part_in(name), "") for name in apart]
    return replace(found, items=[*found.items, *others])


def _are_numbers(names: Sequence[str], labels: Labels) -> bool:
    """Whether no folder above these pictures names an expression but by a number."""
    folders = {each for name in names for each in name.split("/")[:-1]}
    return all(each.isdecimal() for each in folders if labels.label(each) is not None)


def _first_other(
    items: Sequence[Item], rows: Mapping[str, Row], labels: Labels, *, strict: bool
) -> Item | None:
    """The first picture of which a list says something else than its folder.

    If `strict`, a class that means nothing is something else, too.
    """
    for item in items:
        if item.said and item.name in rows:
            label = labels.label(rows[item.name].said)
            if label != item.label and (strict or label is not None):
                return item
    return None
