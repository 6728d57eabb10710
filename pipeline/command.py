"""How a command ends: in one line where the user or the disk is at fault, without a traceback."""

import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from pipeline import disk
from pipeline.errors import UserError

P = ParamSpec("P")


def command(name: str) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Give a command's `main` the exit status 1 where it meets a UserError, and 130 at Ctrl-C.

    Args:
        name: what its messages begin with.
    """

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @wraps(main)
        def run(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                with disk.explained(Path()):
                    return main(*args, **kwargs)
            except UserError as error:
                print(f"{name}: error: {error}", file=sys.stderr)
                return 1
            except KeyboardInterrupt:
                return 128 + signal.SIGINT

        return run

    return decorate
