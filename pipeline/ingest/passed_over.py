"""What is there and is not read, with the reason; and that nothing is there to be read."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from pipeline.ingest.archives import Container
from pipeline.ingest.classes import pictures_of
from pipeline.ingest.containers import Passed
from pipeline.ingest.folder import Folder
from pipeline.ingest.kinds import UNREAD_ARCHIVES, ending_tells
from pipeline.ingest.label_list import why_none
from pipeline.ingest.parts import part_of
from pipeline.ingest.tables import Table, lists_among
from pipeline.ingest.unknown_classes import as_map

_CLASSES = 11
"""Folders that may be one a class; AffectNet has so many."""


def nothing(container: Container, tables: list[Table]) -> str:
    """That nothing was found, what there is instead, and what to do."""
    pictures = pictures_of(container)
    if not pictures and (apart := pictures_of(container, apart=True)):
        return (
            f"all {len(apart)} pictures, such as {apart[0].name}, are below a folder that "
            "calls them unlabelled: rename it"
        )
    if pictures and (reason := _why_no_list(container, tables)):
        return reason
    found: list[str] = []
    advice = "name the file or the folder that holds faces; docs/sources.md lists what is read"
    if pictures:
        folders = Counter(str(PurePosixPath(each.name).parent) for each in pictures)
        most = folders.most_common(1)[0][0]
        where = "at its top" if most == "." else f"most in {most}"
        found.append(f"{len(pictures)} pictures, {where}, but no folder that names an expression")
        advice = _name_classes(folders, tables)
    if tables:
        columns = ", ".join(tables[0].columns)[:60] or "no header"
        found.append(f"{tables[0].name} with {columns!r}")
    if archives := [each.name for each in container.members if each.kind == "archive"]:
        found.append(f"the archives {', '.join(archives)[:80]}")
        advice = _unpack(container, archives)
    found = found or [each.name for each in container.members][:3] or ["none of these"]
    looked = (
        "looked for train.csv, fer2013.csv or another CSV file of faces, for pictures in folders "
        "named after expressions, and for an archive; "
    )
    return f"{'' if pictures else looked}found {', '.join(found)[:200]}; {advice}"


def _why_no_list(container: Container, tables: list[Table]) -> str:
    """Why no list says what the pictures show, where there is something like one."""
    if reason := why_none(container, lists_among(tables)):
        return reason
    bare = next((each for each in tables if any(map(ending_tells, each.columns))), None)
    if bare is None:
        return ""
    return (
        f"{bare.name} begins with {', '.join(bare.columns)[:60]!r} and not with a header; make "
        "image,label its first line, and each other one a picture's name and its class"
    )


def _name_classes(folders: Collection[str], tables: list[Table]) -> str:
    """How pictures in these folders can get their classes."""
    names = {PurePosixPath(path).name for path in folders} - {""}
    innermost = sorted(name for name in names if not part_of(name))
    if 2 <= len(innermost) <= _CLASSES and not tables:
        return (
            f"if folders are classes, {as_map(innermost)}; otherwise write labels.csv "
            "(image,label) beside them"
        )
    return (
        "make a folder for each expression, such as angry/, or write labels.csv with the "
        "columns image,label beside them"
    )


def _unpack(container: Container, archives: list[str]) -> str:
    """How what is in archives within a container can be read."""
    parts = {part for name in archives if (part := part_of(PurePosixPath(name).stem))}
    if len(parts) > 1:
        return "unpack each into a folder of its own name, such as train/, beside it"
    readable = [name for name in archives if not name.lower().endswith(UNREAD_ARCHIVES)]
    if isinstance(container, Folder) and readable:
        return f"name {readable[0]} in data.source"
    return "unpack them into a folder"


def rest(
    container: Container, tables: list[Table], spoken: Collection[str], read: str
) -> list[Passed]:
    """What is there beside what is `read`, and not `spoken` of yet: read, or told by others."""
    of_tables = {table.place: table for table in tables}
    reasons = {
        "archive": f"an archive, beside {read}",
        "picture": f"a picture, beside {read}",
        "unread picture": f"a picture, beside {read}",
        "other": "neither a picture nor a CSV file of faces",
    }
    unspoken = [each for each in container.members if each.name not in spoken]
    return [
        Passed(name, _why(of_tables[name], read) if name in of_tables else reasons[kind])
        for name, _, kind in unspoken
    ]


def _why(table: Table, read: str) -> str:
    """Why a table is not read beside what is."""
    columns = ", ".join(table.columns)[:40]
    return {
        "other": f"no file of faces: {f'columns {columns!r}' if columns else 'no header'}",
        "faces": f"faces with labels, beside {read}; {table.way_to_name} in data.source to read "
        "it instead",
        "unlabelled faces": f"faces without labels, beside {read}",
        "list": f"a list of labels, which {read} does not need",
        "votes": "FER+'s votes, which count with fer2013.csv (with its column Usage), and with "
        "data.labels: auto or ferplus",
    }[table.role]


def beside(path: Path) -> list[Passed]:
    """Files beside the only one that is named, which belong to it and are not read."""
    stem = path.name.split(".")[0].lower()
    partners = {"train": ("test", "val", "validation", "valid"), "fer2013": ("fer2013new",)}
    return [
        Passed(each.name, f"beside {path.name}: name the folder in data.source to have both")
        for each in sorted(path.parent.iterdir())
        if each.name.split(".")[0].lower() in partners.get(stem, ()) and ".csv" in each.name.lower()
    ]
