"""A full disk, however the library that met it says so."""

import errno
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it followed from, is that a disk or a quota is full."""
    return any(
        # Libraries that write by themselves tell of it in words alone.
        (isinstance(each, OSError) and each.errno in FULL) or "No space left" in str(each)
        for each in _chain(error)
    )


def full_path(error: BaseException, otherwise: Path) -> Path:
    """The path that had no room, as far as the error names it."""
    names = [each.filename for each in _chain(error) if isinstance(each, OSError) and each.filename]
    return Path(str(names[0])) if names else otherwise


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
