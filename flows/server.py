"""Prefect's server for a flow that is started by hand."""

import signal
import sys
from types import FrameType

from prefect import get_client


def start_server() -> None:
    """Start a server that lives as long as this process, unless PREFECT_API_URL names one.

    Prefect would do so by itself, but a Ctrl-C, which every process at the terminal gets, would end
    that server first, and the flow would look for it for minutes. A SIGTERM would leave it behind.
    """
    signal.signal(signal.SIGTERM, _exit)  # Prefect stops the server `atexit`
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the server inherits it
    try:
        get_client(sync_client=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
