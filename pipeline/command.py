"""How a command ends: in one line where the user or the disk is at fault, without a traceback."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import disk
from pipeline.errors import UserError, printable


@contextmanager
def command(name: str, folder: Path = Path(), *, debug: bool = False) -> Iterator[None]:
    """End with exit status 1 where the user or the disk is at fault, and with 130 at Ctrl-C.

    For a block, or as a decorator for a command's `main`.

    Args:
        name: what the message begins with.
        folder: to name where the disk's error names no path.
        debug: show the traceback instead.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception as error:
        text = str(error) if isinstance(error, UserError) else disk.explain(error, folder)
        if debug or text is None:
            raise
        print(f"{name}: error: {printable(text)}", file=sys.stderr)
        raise SystemExit(1) from None


def leave_on_sigterm() -> None:
    """Let a SIGTERM end this process through every `with` and `finally`: nothing else goes on."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
