"""A list of pictures with their labels, such as `image,label`, joined with the pictures."""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.ingest.archives import Container
from pipeline.ingest.classes import Classed, part_in, pictures_of
from pipeline.ingest.containers import Passed
from pipeline.ingest.kinds import ending_tells
from pipeline.ingest.labels import Labels, whole
from pipeline.ingest.parts import part_of
from pipeline.ingest.pictures import Item
from pipeline.ingest.unknown_classes import setting_for

IMAGE = (
    "image", "images", "filename", "file", "file_name", "path", "pth", "filepath", "file_path",
    "img", "image_name", "subdirectory_filepath", "image name", "image_path", "img_name", "name",
)  # fmt: skip
"""Names of the column that names a picture."""

LABEL = ("label", "emotion", "expression", "class", "labels", "emotions")
"""Names of the column with its class."""

_USAGE = ("usage", "split", "subset", "set")

_SUFFIXES = ("", "_aligned")
"""What a picture's name may have behind the name in the list: RAF-DB's has the second."""


_LINE = re.compile(r"[^\s,]+\.(jpe?g|png|bmp)\s+\d+\s*", re.IGNORECASE)
"""A line of RAF-DB's list_patition_label.txt: a picture's name and its number."""


Lines = tuple[str, list[str], list[list[str]]]
"""Name, columns and lines of a list with a header."""


class Row(NamedTuple):
    """A line of a list."""

    file: str
    image: str
    said: str
    usage: str | None


Joined = tuple[Row, str | None]
"""A line, and the name of its picture in the container, if it is there."""


def is_list(columns: list[str]) -> bool:
    """Whether a file with these columns names pictures and their classes."""
    return _column(columns, IMAGE) is not None and _column(columns, LABEL) is not None


def read_lists(lists: Sequence[Lines]) -> list[Row]:
    """Read the lines of all lists with a header.

    Raises:
        UserError: a line has too few columns.
    """
    found = []
    for name, columns, rows in lists:
        image, label, usage = (_column(columns, names) for names in (IMAGE, LABEL, _USAGE))
        assert image is not None and label is not None  # noqa: PT018, S101 (`is_list` saw to that)
        for number, row in enumerate(rows, 1):
            if len(row) != len(columns):
                raise UserError(
                    f"{name}: row {number}: {len(row)} columns; expected {len(columns)}: "
                    "mend the row"
                )
            part = (part_of(row[usage]) if usage is not None else None) or _part(name)
            found.append(Row(name, row[image].strip(), whole(row[label].strip()), part))
    return found


def read_bare_lists(container: Container) -> list[Row]:
    """Read lists without a header, RAF-DB's: lines such as `train_00001.jpg 5`."""
    found = []
    for member in container.members:
        if member.kind == "other" and member.name.lower().endswith(".txt"):
            with container.open(member.name) as file:
                text = file.read(1 << 26).decode("utf-8-sig", "replace")
            lines = [line for line in text.splitlines() if line.strip()]
            if all(_LINE.fullmatch(line) for line in lines):
                for image, said in map(str.split, lines):
                    part = _part(member.name) or part_of(image.split("_")[0])
                    found.append(Row(member.name, image, said, part))
    return found


def _part(name: str) -> str | None:
    return part_of(PurePosixPath(name).name.split(".")[0])


def join(container: Container, rows: Sequence[Row]) -> list[Joined]:
    """Each row with the name of its picture; None where no picture is that one."""
    if not rows:
        return []
    pictures, apart = pictures_of(container), pictures_of(container, apart=True)
    find = _finder([each.name for each in pictures], [each.name for each in apart])
    return [(row, find(row)) for row in rows]


def by_lists(container: Container, joined: Sequence[Joined], labels: Labels) -> Classed | None:
    """Pictures that have a class by a list; None if there are none.

    What is passed over are rows without a picture and pictures without a row. Where no list with a
    header is joined, lists without one are looked for.

    Raises:
        UserError: a class means nothing, or a picture has two.
    """
    joined = joined or join(container, read_bare_lists(container))
    among = {row.said for row, _ in joined}
    items: dict[str, Item] = {}
    passed = []
    for row, picture in joined:
        if picture is None:
            passed.append(Passed(f"{row.file}: {row.image}", "a row of a list without its picture"))
            continue
        label = labels.label(row.said)
        if label is None:
            raise UserError(
                f"{row.file}: {row.image}: label {row.said!r}; {labels.expected()}; "
                f"{setting_for(labels, row.said, among)}"
            )
        item = Item(picture, label, row.usage or part_in(picture), row.said)
        if picture in items and items[picture].label != label:
            raise UserError(
                f"{row.file}: {row.image} has two classes, {items[picture].said!r} and "
                f"{row.said!r}; keep one of the rows"
            )
        items[picture] = item
    files = list(dict.fromkeys(row.file for row, _ in joined))
    found = [items[each.name] for each in container.members if each.name in items]
    unnamed = [each.name for each in pictures_of(container) if each.name not in items]
    passed += [Passed(name, "a picture without a row in the list") for name in unnamed]
    notes = [f"labels are those of {', '.join(files)}"]
    return Classed(found, passed, notes, files) if items else None


def why_none(container: Container, lists: Sequence[Lines]) -> str | None:
    """Why lists name no picture that is there, and what to do; None if there are no lists."""
    rows = read_lists(lists) or read_bare_lists(container)
    if not rows:
        return f"{lists[0][0]}: has a header and no rows; write one a picture" if lists else None
    row, pictures = rows[0], [PurePosixPath(member.name) for member in pictures_of(container)]
    name = PurePosixPath(row.image.replace("\\", "/")).name
    fitting = [path for path in pictures if name in (path.name, path.stem)]
    if len(fitting) > 1:
        return (
            f"{row.file}: {row.image!r} fits several pictures, such as {fitting[0]} and "
            f"{fitting[1]}; write such paths into the list"
        )
    return (
        f"{row.file}: none of its {len(rows)} names, such as {row.image!r}, is that of a picture "
        f"here, such as {pictures[0]}; write the pictures' names or paths into the list"
    )


def _column(columns: list[str], names: tuple[str, ...]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _finder(names: list[str], apart: list[str]) -> Callable[[Row], str | None]:
    """Finds a row's picture: by its path, also from the list, or by an end of it that is unique.

    A picture of another part that happens to have the same name is not the one; of those `apart`
    only who writes the whole path means one.
    """
    paths, by_end = {*names, *apart}, dict[str, str | None]()
    for name in names:
        folders = name.split("/")
        ends = ("/".join(folders[place:]) for place in range(len(folders)))
        for each in {*ends, PurePosixPath(name).stem}:
            by_end[each] = None if each in by_end else name

    def find(row: Row) -> str | None:
        said = PurePosixPath(row.image.replace("\\", "/"))
        stem = said.stem if ending_tells(said.name) else said.name
        exact = (str(path) for path in (said, PurePosixPath(row.file).parent / said))
        found = next((path for path in exact if path in paths), None)
        guesses = (str(said), said.name, *(stem + suffix for suffix in _SUFFIXES))
        likely = filter(None, map(by_end.get, guesses))
        return found or next((each for each in likely if _may_be_in(said, each)), None)

    return find


def _may_be_in(said: PurePosixPath, place: str) -> bool:
    """Whether the folders of two paths do not name two parts."""
    parts = {part_in(str(path.parent)) for path in (said, PurePosixPath(place))}
    return len(parts - {None}) < 2
