"""CSV files of faces: what each one is by its columns, and which of several are read."""

import csv
import io
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pipeline.errors import UserError
from pipeline.faces.batch import USAGES, Batch, Progress
from pipeline.ingest.archives import Container
from pipeline.ingest.compressed import unpacked
from pipeline.ingest.containers import Member
from pipeline.ingest.faces_csv import read_csv, read_header
from pipeline.ingest.folder import Folder
from pipeline.ingest.label_list import Lines, is_list
from pipeline.ingest.labels import Labels
from pipeline.ingest.parts import part_of
from pipeline.ingest.rows import Rows
from pipeline.ingest.votes import Votes, is_votes

Role = Literal["faces", "unlabelled faces", "list", "votes", "other"]

_WHOLE = ("fer2013", "icml_face_data")
"""Files that hold all parts, with their labels."""


@dataclass(frozen=True)
class Table:
    """A CSV file that may hold faces."""

    container: Container
    member: Member
    place: str
    """Its path in the folder or archive that is read; or that of a zip of its own."""
    columns: tuple[str, ...] = ()
    """In small letters; none where the first line is no header."""
    labelled: bool = True
    part: str | None = None
    votes: Votes | None = None

    @property
    def name(self) -> str:
        """Its place, and before it the archive, unless the archive holds nothing else."""
        if self._is_in_folder or self.place != self.member.name:
            return self.place
        archive = self.container.path.name
        return archive if len(self.container.members) == 1 else f"{archive}/{self.place}"

    @property
    def _is_in_folder(self) -> bool:
        return isinstance(self.container, Folder)

    @property
    def way_to_name(self) -> str:
        """What to do with it so that it is read alone, before `in data.source`."""
        return "name it" if self._is_in_folder else "unpack it and name it"

    @property
    def stem(self) -> str:
        """The name of it, or of its archive, up to the first full stop, in small letters."""
        return PurePosixPath(self.name).name.split(".")[0].lower()

    @property
    def file(self) -> Path:
        """The file on disk that it is or lies in."""
        path = self.container.path
        return path / self.member.name if self._is_in_folder else path

    @property
    def size(self) -> int:
        """Bytes that reading goes through."""
        return self.member.size

    @property
    def role(self) -> Role:
        """What it is by its columns."""
        columns = list(self.columns)
        if {"feature", "pixels"} & set(columns):
            return "faces" if {"label", "emotion"} & set(columns) else "unlabelled faces"
        if is_votes(columns):
            return "votes"
        return "list" if is_list(columns) else "other"

    def open(self, progress: Progress | None = None) -> Any:
        """Open its unpacked bytes, as a context manager."""
        opening = self.container.open(self.member.name)
        return unpacked(opening, self.name, self.member.size, progress)

    def lines(self) -> tuple[list[str], list[list[str]]]:
        """The columns' names in small letters, and all lines that are not blank.

        Raises:
            UserError: it is no CSV, or no text.
        """
        with self.open() as file:
            content: bytes = file.read()
        try:
            text = io.StringIO(content.decode("utf-8-sig"), newline=None)
            lines = list(csv.reader(text, skipinitialspace=True))
        except UnicodeDecodeError:
            raise UserError(f"{self.name}: is no text in UTF-8; save it as such") from None
        except csv.Error as error:
            raise UserError(f"{self.name}: is no CSV: {error}; mend or remove it") from None
        header, *rows = [line for line in lines if "".join(line).strip()]
        return [column.strip().lower() for column in header], rows

    def batches(
        self, labels: Labels, progress: Progress | None = None, *, keep_text: bool = False
    ) -> Generator[Batch, None, None]:
        """Read its faces.

        Raises:
            UserError: see `read_csv`.
        """
        rows = Rows(keep_text, self.part, self.votes)
        with self.open(progress) as file:
            yield from read_csv(file, self.name, labels if self.labelled else None, rows)


def look(container: Container, member: Member, place: str | None = None) -> Table:
    """Read a file's header; see `Table`."""
    table = Table(container, member, place or member.name)
    try:
        with table.open() as file:
            return replace(table, columns=tuple(map(str.lower, read_header(file, table.name))))
    except UserError:
        return table  # reading it says what is wrong


def lists_among(tables: Sequence[Table]) -> list[Lines]:
    """The lists of pictures and their labels, with what is in them."""
    return [(table.place, *table.lines()) for table in tables if table.role == "list"]


def choose(tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """Which tables are read: those with labels, and the one without, if there is one.

    A file with all parts comes before one part of them; parts beside each other come together. No
    table at all is read where none holds faces.

    Raises:
        UserError: several might be meant.
    """
    labelled = _choose_labelled(tables)
    if not labelled or not all(table.part for table in labelled):
        return labelled, []
    names = {table.name for table in labelled}
    tests = [
        table
        for table in tables
        if table.name not in names
        and part_of(table.stem) == "PrivateTest"
        and table.role in ("unlabelled faces", "other")
    ]
    return labelled, [replace(test, labelled=False) for test in tests[:1]]


def votes_on(labelled: Sequence[Table], tables: Sequence[Table], labels: Labels) -> list[Table]:
    """FER+'s votes, where they are wanted and lie beside the one file that they are of."""
    found = [table for table in tables if table.role == "votes"]
    wanted = labels.setting in ("auto", "ferplus") and len(found) == len(labelled) == 1
    return found if wanted and "usage" in labelled[0].columns else []


def _choose_labelled(tables: Sequence[Table]) -> list[Table]:
    faces = [table for table in tables if table.role == "faces"]
    whole = [table for table in faces if "usage" in table.columns]
    known = [table for table in whole if table.stem in _WHOLE]
    known = known or [table for table in whole if not part_of(table.stem)]
    if len(known) == 1:
        return [known[0]]
    parts = [replace(each, part=part) for each in faces if (part := part_of(each.stem))]
    of_parts = {table.part for table in parts}
    if "Training" in of_parts and len(of_parts) == len(parts):
        return sorted(parts, key=lambda table: USAGES.index(table.part or ""))
    named = [table for table in faces if table.stem in _WHOLE]
    if len(faces) == 1 or len(named) == 1:
        return named or faces
    # A name that says what a file is, though its first line does not: reading it says why.
    for stem in ("train", *_WHOLE):
        named = [
            table
            for table in tables
            if table.stem == stem and table.role in ("other", "unlabelled faces")
        ]
        if len(named) == 1:
            return [replace(named[0], part=part_of(stem))]
    if faces:
        names = ", ".join(table.name for table in faces)
        raise UserError(
            f"{names}: several files of faces, whose names do not tell all of them apart; "
            f"choose one and {faces[0].way_to_name} in data.source, or call them train.csv, "
            "val.csv and test.csv"
        )
    return []
