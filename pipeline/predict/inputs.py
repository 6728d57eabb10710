"""What a user names on the command line: pictures, folders of them, videos."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.detection import pictures, videos
from pipeline.detection.pictures import Picture
from pipeline.errors import UserError


class Frame(NamedTuple):
    """A picture with what it is called; of a video or a camera, at which second it was."""

    name: str
    second: float | None
    picture: Picture


def list_files(named: Sequence[Path]) -> list[Path]:
    """The files that are named, and the pictures and videos in the folders that are named.

    Folders are searched to the bottom, in the order of names; hidden files, links to folders and
    files of other kinds are passed over.

    Raises:
        UserError: a folder cannot be read.
    """
    return [file for path in named for file in (_inside(path) if _is_folder(path) else [path])]


def read_frames(file: Path, every: float) -> Iterator[Frame]:
    """The picture in a file, or pictures of a video every so many seconds.

    Raises:
        UserError: it cannot be read.
    """
    if file.suffix.lower() in videos.SUFFIXES:
        for second, picture in videos.read_video(file, every):
            yield Frame(str(file), second, picture)
    else:
        yield Frame(str(file), None, pictures.read_picture(file))


def _is_folder(path: Path) -> bool:
    # Asked so, a path in a folder that is closed is no folder; `is_dir` would raise.
    return os.access(path, os.F_OK) and path.is_dir()


def _inside(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}")

    known = (*pictures.SUFFIXES, *videos.SUFFIXES)
    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place, name)
            for name in sorted(files)
            if not name.startswith(".")
            and Path(name).suffix.lower() in known
            # A pipe or a device would be waited for; what leads nowhere, or is closed, is told.
            and (not os.access(Path(place, name), os.F_OK) or Path(place, name).is_file())
        ]
    return found
