"""A disk that takes no more, or may not be touched, however the library that met it says so."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


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
            reason = each.strerror if isinstance(each, OSError) else ""
            return f"{place}: {reason}; the project's folder should be yours to write"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
