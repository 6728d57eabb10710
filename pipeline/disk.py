"""Files that are whole or absent; a disk that takes no more, or may not be touched."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
MISPLACED = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file to: it takes its name when all is written, and goes if it is not.

    A reader finds the old file or the new, never half of one; the folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            yield partial
            partial.replace(path)
    except OSError as error:
        if error.filename == str(partial):  # a name that nobody knows, and that is gone
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text with the line ends that it has, whole or not at all."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the path into what the disk says of a file that is open: a write names none."""
    try:
        yield
    except BaseException as error:
        for each in _chain(error):
            if isinstance(each, OSError) and each.filename is None:
                each.filename = str(path)
        raise


def explain(error: BaseException, folder: Path) -> str | None:
    """What is wrong with the disk and what to do, in one line; None if it is something else.

    Args:
        error: what was raised, with what it followed from.
        folder: to name where the error names no path.
    """
    for each in _chain(error):
        number = each.errno if isinstance(each, OSError) else None
        # Of a copy, where it was to go.
        named = (each.filename2 or each.filename) if isinstance(each, OSError) else None
        place = Path(str(named)).absolute() if named else folder.absolute()
        # Libraries that write by themselves tell of a full disk in words alone.
        if number in FULL or "No space left" in str(each):
            return (
                f"no space left on the disk of {place}: free some and run it again; finished "
                "stages and the last checkpoint stay"
            )
        if number in FORBIDDEN:
            return f"{place}: {os.strerror(number)}; the project's folder should be yours to write"
        if number in MISPLACED:
            return f"{place}: {os.strerror(number).lower()}; name another place"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
