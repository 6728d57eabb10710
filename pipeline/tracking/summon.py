"""Making sure that a recorder is at work."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from pipeline import disk
from pipeline.tracking import places
from pipeline.tracking.places import Address, Desk

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that `pipeline` is imported from."""

LONGEST_LOG = 2**20
"""Bytes; a log beyond that starts anew with the next recorder."""


def is_recorder_alive(desk: Desk, address: Address) -> bool:
    """Whether a recorder that ships to this address holds its lock."""
    from filelock import FileLock, Timeout  # 40 ms, which `import journal` shall not cost

    try:
        with FileLock(desk.lock(address), blocking=False):
            return False
    except Timeout:
        return True


def summon(desk: Desk, address: Address) -> None:
    """Start a recorder unless one is alive.

    It is detached: neither the end of the caller nor a signal to its process group reaches it.
    Where it cannot be started the journals stay on disk for a later one; no stage fails for that.
    """
    if is_recorder_alive(desk, address):
        return
    try:
        _start(desk, address)
    except OSError as error:
        disk.write_text(desk.trouble(address), f"no recorder could be started: {error}")


def _start(desk: Desk, address: Address) -> None:
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "DVC_ROOT": str(desk.root),
        places.URI: address.uri,
        places.EXPERIMENT: address.experiment,
        # The workspace's own packages come first (-m looks in the folder it starts in): under
        # `dvc exp run --temp` the caller's are in a copy that goes away before the recorder does.
        "PYTHONPATH": os.pathsep.join([str(PACKAGES), *([inherited] if inherited else [])]),
    }
    too_long = desk.log.exists() and desk.log.stat().st_size > LONGEST_LOG
    with desk.log.open("wb" if too_long else "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.tracking", "record"],
            cwd=desk.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It forks and leaves within a moment (`__main__`). Nobody waits for that but a thread, so that
    # no zombie stays behind in a long stage.
    threading.Thread(target=process.wait, daemon=True).start()
