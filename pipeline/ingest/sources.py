"""Where the faces come from: what `data.source` names, and what of it is read as what."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import UserError
from pipeline.faces.batch import shown
from pipeline.ingest.archives import Container, open_archive
from pipeline.ingest.containers import Passed
from pipeline.ingest.folder import Folder
from pipeline.ingest.folders_or_list import classify
from pipeline.ingest.kinds import UNREAD_ARCHIVES
from pipeline.ingest.labels import Labels
from pipeline.ingest.passed_over import beside, nothing, rest
from pipeline.ingest.pictures import Pictures
from pipeline.ingest.tables import Table, choose, lists_among, look, votes_on
from pipeline.ingest.votes import read_votes
from pipeline.layout import is_sample

_REGIONS = "regions.npz"

Reading = Table | Pictures
"""Faces that are read one after another."""


@dataclass(frozen=True)
class Source:
    """One set of faces."""

    labelled: list[Reading]
    unlabelled: list[Reading] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)
    regions: Path | None = None
    """Boolean arrays, aligned with the rows of the only labelled file."""
    files: list[Path] = field(default_factory=list)
    """The files that are read, each once."""
    folder: Folder | None = None
    """The whole folder, in place of files, where pictures are read."""
    passed: list[Passed] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    """Names of the files, in their folder or archive, that are read."""
    notes: list[str] = field(default_factory=list)
    """What was understood that the source does not say by itself."""

    @property
    def unit(self) -> str:
        """What `size` counts, as a progress bar names it: pictures, or bytes of CSV files."""
        return " pictures" if isinstance(self.labelled[0], Pictures) else "B"

    @property
    def size(self) -> int:
        """How much reading the faces goes through, for a progress bar."""
        return sum(reading.size for reading in (*self.labelled, *self.unlabelled))


def locate(source: str, labels: str | Mapping[str | int, str] = "auto") -> Source:
    """Find the faces that `data.source` means.

    A file is a CSV file of faces, or an archive, and all that is read: DVC watches nothing beside
    it. A folder or an archive holds CSV files of faces, or else pictures in folders named after
    classes, or pictures with a list of their labels, or else just one archive. A folder's
    `regions.npz` is taken along with its CSV file.

    Args:
        source: a path.
        labels: `data.labels`, what numbers and names mean.

    Raises:
        UserError: nothing usable is there, or it must not be read.
    """
    try:
        return _locate(source, Path(source), labels)
    except OSError as error:
        name = shown(str(error.filename or source).encode("utf-8", "replace"), 80)
        raise UserError(
            f"data.source = {name}: cannot be read: {error.strerror}; "
            "see who may with ls -ld, or name another path"
        ) from None


def _locate(source: str, path: Path, setting: str | Mapping[str | int, str]) -> Source:
    labels = Labels(setting)
    if path.is_dir():
        return _search(source, Folder(path), labels)
    if not path.is_file():
        advice = "name a file of faces, an archive, or a folder that holds them"
        if is_sample(source):
            advice = "python -m pipeline sample makes it, and make study the whole study"
        raise UserError(f"data.source = {source!r}: no such file or folder; {advice}")
    if archive := open_archive(path):
        found = _search(source, archive, labels)
        return replace(found, passed=[*found.passed, *beside(path)])
    if path.suffix.lower() in UNREAD_ARCHIVES:
        raise UserError(
            f"{path.name}: of archives, zip and tar (.tar, .tar.gz, .tar.xz, .tar.bz2) are read; "
            "unpack this one and name the folder in data.source"
        )
    folder = Folder(path.parent, only=path.name)
    if folder.members[0].kind == "picture":
        raise UserError(
            f"{path.name}: one picture; name a folder in data.source that has a folder of pictures "
            "for each expression"
        )
    table = look(folder, folder.members[0])
    chosen, _ = choose([table])
    return replace(_of_tables(chosen or [table], [], [], labels), passed=beside(path))


def _search(source: str, container: Container, labels: Labels) -> Source:
    """Find the faces in a folder or an archive."""
    tables = _tables(container)
    labelled, unlabelled = choose(tables)
    if labelled:
        found = _of_tables(labelled, unlabelled, votes_on(labelled, tables, labels), labels)
        regions = container.path / _REGIONS
        if isinstance(container, Folder) and len(labelled) == 1 and regions.is_file():
            found = replace(found, regions=regions, files=[*found.files, regions])
    elif pictures := _of_pictures(container, tables, labels):
        found = pictures
    elif packed := _only_archive(container):
        name, archive = packed
        inside = _search(f"{source}/{name}", archive, labels)
        found = replace(inside, used=frozenset([name]))
    elif not container.members and not isinstance(container, Folder):
        raise UserError(f"{container.path.name}: an archive without a file; fetch or pack it anew")
    else:
        raise UserError(f"data.source = {source!r}: {nothing(container, tables)}")
    told, read = {each.name for each in found.passed}, found.labelled[0].name
    passed = [*container.passed, *found.passed, *rest(container, tables, found.used | told, read)]
    return replace(found, passed=passed)


def _tables(container: Container) -> list[Table]:
    """All CSV files, those that are packed in a zip of their own included."""
    found = [look(container, each) for each in container.members if each.kind == "table"]
    if isinstance(container, Folder):
        for member in container.members:
            if member.kind == "archive" and member.name.lower().endswith(".zip"):
                inner = open_archive(container.path_of(member.name))
                if inner and [each.kind for each in inner.members] == ["table"]:
                    found.append(look(inner, inner.members[0], member.name))
    return found


def _of_tables(
    labelled: list[Table], unlabelled: list[Table], votes: list[Table], labels: Labels
) -> Source:
    if len(labelled) == 1:
        labelled = [replace(labelled[0], part=None)]  # it is no part of anything
    first, notes = labelled[0], []
    if votes:
        labels = Labels("ferplus")
        labelled = [replace(first, votes=read_votes(votes[0].name, *votes[0].lines()))]
        notes.append(
            f"labels are what most people called each face in {votes[0].name} (FER+); "
            f"data.labels: fer2013 takes those of {first.name}"
        )
    elif labels.setting == "auto" and {"emotion", "usage"} <= set(first.columns):
        labels = Labels("fer2013")  # whose columns these are
    read = [*labelled, *unlabelled, *votes]
    return Source(
        labelled=list(labelled),
        unlabelled=list(unlabelled),
        labels=labels,
        files=list(dict.fromkeys(table.file for table in read)),
        used=frozenset([_REGIONS, *(table.place for table in read)]),
        notes=notes,
    )


def _of_pictures(container: Container, tables: list[Table], labels: Labels) -> Source | None:
    """Pictures with classes by their folders, their names, or a list; None if there are none."""
    found = classify(container, lists_among(tables), labels)
    if not found:
        return None
    classed = [item for item in found.items if item.said]
    others = [item for item in found.items if not item.said]
    return Source(
        labelled=[Pictures(container, classed)],
        unlabelled=[Pictures(container, others)] if others else [],
        labels=found.labels or labels,
        files=[] if isinstance(container, Folder) else [container.path],
        folder=container if isinstance(container, Folder) else None,
        used=frozenset([*(item.name for item in found.items), *found.lists]),
        passed=found.passed,
        notes=found.notes,
    )


def _only_archive(container: Container) -> tuple[str, Container] | None:
    """The one archive of a folder, if there is just one that is read, and its name there."""
    archives = [each.name for each in container.members if each.kind == "archive"]
    if isinstance(container, Folder) and len(archives) == 1:
        inner = open_archive(container.path_of(archives[0]))
        return (archives[0], inner) if inner else None
    return None
