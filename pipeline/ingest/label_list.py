"""A list of pictures with their labels, such as `image,label`, joined with the pictures."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.ingest.archives import Container
from pipeline.ingest.classes import part_in, pictures_of
from pipeline.ingest.containers import Passed
from pipeline.ingest.csv_text import read_lines
from pipeline.ingest.kinds import ending_tells
from pipeline.ingest.labels import Labels
from pipeline.ingest.parts import part_of
from pipeline.ingest.pictures import Item

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


_LINE = re.compile(r"[^\s,]+\.(jpe?g|png|bmp)\s+\d+\s*")
"""A line of RAF-DB's list_patition_label.txt: a picture's name and its number."""


class Row(NamedTuple):
    """A line of a list."""

    image: str
    said: str
    usage: str | None


def is_list(columns: list[str]) -> bool:
    """Whether a file with these columns names pictures and their classes."""
    return _column(columns, IMAGE) is not None and _column(columns, LABEL) is not None


def bare_lists(container: Container) -> dict[str, str]:
    """Lists without a header, RAF-DB's, by their names."""
    found = {}
    for member in container.members:
        if member.kind == "other" and member.name.lower().endswith(".txt"):
            with container.open(member.name) as file:
                content = file.read(1 << 26)
            text = content.decode("utf-8", "replace")
            if all(_LINE.fullmatch(line) for line in text.splitlines()) and text.strip():
                found[member.name] = text
    return found


def read_list(text: str, name: str) -> list[Row]:
    """Read a list: a CSV file with a header, or lines such as `train_00001.jpg 5` (RAF-DB's).

    Raises:
        UserError: a line has too few columns.
    """
    part = part_of(PurePosixPath(name).name.split(".")[0])
    if name.lower().endswith(".txt"):
        lines = [line.split() for line in text.splitlines() if line.strip()]
        return [
            Row(words[0], words[-1], part or part_of(words[0].split("_")[0])) for words in lines
        ]
    columns, rows = read_lines(text, name)
    image, label = _column(columns, IMAGE), _column(columns, LABEL)
    usage = _column(columns, _USAGE)
    assert image is not None and label is not None  # noqa: PT018, S101 (`is_list` saw to that)
    found = []
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise UserError(
                f"{name}: row {number}: {len(row)} columns; expected {len(columns)}: mend the row"
            )
        own = part_of(row[usage]) if usage is not None else None
        found.append(Row(row[image].strip(), row[label].strip(), own or part))
    return found


def join(
    container: Container, rows: Iterable[tuple[str, Row]], labels: Labels
) -> tuple[list[Item], list[Passed]]:
    """Give pictures the classes of lists.

    Args:
        container: what holds the pictures.
        rows: the lines, each with the name of its list.
        labels: reads the classes.

    Returns:
        The pictures, and rows without a picture and pictures without a row.

    Raises:
        UserError: a class means nothing, or a picture has two.
    """
    places = _Places([member.name for member in pictures_of(container)])
    rows = list(rows)
    among = {row.said for _, row in rows}
    items: dict[str, Item] = {}
    passed = []
    for name, row in rows:
        picture = places.find(row.image, PurePosixPath(name).parent)
        if picture is None:
            passed.append(Passed(f"{name}: {row.image}", "a row of a list without its picture"))
            continue
        label = labels.label(row.said)
        if label is None:
            raise UserError(
                f"{name}: {row.image}: label {row.said!r}; {labels.expected()}; "
                f"{labels.advice(row.said, among)}"
            )
        item = Item(picture, label, row.usage or part_in(picture), row.said)
        if picture in items and items[picture].label != label:
            raise UserError(
                f"{name}: {row.image} has two classes, {items[picture].said!r} and {row.said!r}; "
                "keep one of the rows"
            )
        items[picture] = item
    passed += [
        Passed(member.name, "a picture without a row in the list")
        for member in pictures_of(container)
        if member.name not in items
    ]
    return [items[each.name] for each in container.members if each.name in items], passed


def _column(columns: list[str], names: tuple[str, ...]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


class _Places:
    """Finds pictures by whole paths, by paths from their list, or by names that are there once."""

    def __init__(self, names: list[str]) -> None:
        self._paths = set(names)
        self._by_name: dict[str, list[str]] = {}
        for name in names:
            path = PurePosixPath(name)
            for each in {path.name, path.stem}:
                self._by_name.setdefault(each, []).append(name)

    def find(self, said: str, folder: PurePosixPath) -> str | None:
        """The picture's path, or None if there is none or more than one."""
        said = said.replace("\\", "/")
        for path in (said, (folder / said).as_posix()):
            if path in self._paths:
                return path
        return next(
            (found[0] for each in _guesses(said) if len(found := self._all(each)) == 1), None
        )

    def _all(self, name: str) -> list[str]:
        return self._by_name.get(name, [])


def _guesses(said: str) -> Iterator[str]:
    path = PurePosixPath(said)
    yield path.name
    stem = path.stem if ending_tells(path.name) else path.name
    for suffix in _SUFFIXES:
        yield stem + suffix
