"""The recorder: one process a workspace and MLflow, which uploads the spool until it is empty.

It follows live metrics while stages still write them, marks the runs of vanished stages, closes
parent runs, and waits out an MLflow that is away. It may be killed at any moment: the spool is
there until MLflow has all of it, and everything can be uploaded twice.
"""

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from pipeline import disk
from pipeline.record.address import EXPERIMENT, URI, Address, one_line
from pipeline.record.spool import Entry, Spool

POLL = 0.5
"""Seconds between two looks at the spool."""

LINGER = 5.0
"""Seconds without work before the recorder ends: the next stage may come at once."""

LONGEST_PAUSE = 15.0
"""Seconds between two attempts at an MLflow that is away."""

PATIENCE = 600.0
"""Seconds after which the recorder leaves a dead MLflow to its successor; stages start one."""

LOG, LONGEST_LOG = "recorder.log", 2**20
"""What recorders print, in bytes; a log beyond that starts anew with the next recorder."""

COMMAND = '"$0" -m pipeline.record upload &'
"""For a shell that ends at once: a recorder in the tree of a stage's processes would end with it,
and one that has ended would stay there as a zombie."""

PACKAGES = str(Path(__file__).resolve().parents[2])
"""The folder that `pipeline` is imported from."""

logger = logging.getLogger(__name__)


def start_recorder(spool: Spool, address: Address) -> None:
    """Start a recorder unless one is alive.

    It is detached: neither the end of the caller nor a signal to its process group reaches it.
    Where it cannot be started, or MLflow would refuse all, the spool waits for a later one; no
    stage fails for that.
    """
    from filelock import FileLock, Timeout  # 40 ms, which a mere import shall not cost

    if address.refusal:
        disk.write_text(spool.trouble(address), address.refusal)
        return
    try:
        with FileLock(spool.lock(address), blocking=False):
            pass
    except Timeout:
        return  # a recorder holds it
    environment = {
        **os.environ,
        "DVC_ROOT": str(spool.root),
        URI: address.private_uri,
        EXPERIMENT: address.experiment,
        # The workspace's own packages come first (-m looks in the folder it starts in): under
        # `dvc exp run --temp` the caller's are in a copy that goes away before the recorder does.
        "PYTHONPATH": os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH")])),
    }
    path = spool.folder / LOG
    too_long = path.exists() and path.stat().st_size > LONGEST_LOG
    try:
        with path.open("wb" if too_long else "ab") as log:
            subprocess.run(
                ["/bin/sh", "-c", COMMAND, sys.executable],
                cwd=spool.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=True,
            )
    except (OSError, subprocess.CalledProcessError) as error:
        disk.write_text(spool.trouble(address), f"no recorder could be started: {error}")


def record(spool: Spool, address: Address) -> None:
    """Upload all that goes to an address; returns at once if another process does."""
    from filelock import FileLock, Timeout

    with suppress(Timeout):
        is_done = False
        while not is_done:
            with FileLock(spool.lock(address), blocking=False):
                patient = _work(spool, address)
            # A stage that wrote while the lock was still held counts on this process.
            is_done = not patient or not spool.has_work(address)


def _work(spool: Spool, address: Address) -> bool:
    """Pass after pass, until nothing was left for a while; False if patience came to an end."""
    from pipeline.record.uploader import Uploader  # imports MLflow, later

    uploader = Uploader(spool, address)
    failures = 0
    good = busy = time.monotonic()
    while time.monotonic() - busy < LINGER:
        try:
            if spool.has_work(address):
                uploader.upload_all()
                busy = time.monotonic()  # after it: a pass may take longer than it would linger
            spool.trouble(address).unlink(missing_ok=True)
            failures, good = 0, time.monotonic()
            time.sleep(POLL)
        except Exception as error:  # whatever it was: the spool is still there
            failures += 1
            reason = one_line(error)
            logger.warning("%s: %s", address, reason)
            disk.write_text(spool.trouble(address), reason)
            if time.monotonic() - good > PATIENCE:
                return False
            time.sleep(min(2.0 ** (failures - 1), LONGEST_PAUSE))
            busy = time.monotonic()  # work is left: patience ends this, and not its lack
    return True


def wait_until_uploaded(
    spool: Spool, address: Address, timeout: float, key: str | None = None
) -> list[str]:
    """Wait until MLflow has everything, and every parent run is closed that can be.

    Where all that is left goes to an address that MLflow refuses, waiting is of no use.

    The run of a stage that has ended is sent to `address`, where this process's environment wants
    the record, if the MLflow it was meant for fails. With the key of a reproduction, only its
    stages are waited for, whatever else goes on here. The timeout is in seconds.

    Returns:
        What is left, a line each; empty if there is nothing.
    """
    deadline = time.monotonic() + timeout
    started: dict[Address, float] = {}
    while True:
        left = spool.entries(key=key)
        over = not key and any(parent.ending(spool) for parent in spool.parents(address))
        if not left and not over:
            return []
        if time.monotonic() > deadline:
            return describe(spool, left) or [f"parent runs are still open at {address}"]
        wanted = {address} if over else set()
        for entry in left:
            meant = entry.run.address
            gone = not entry.run.process.is_alive
            in_vain = meant.refusal or spool.trouble(meant).exists()
            if meant != address and gone and in_vain:
                entry.run.address = address
                entry.write()
            wanted.add(entry.run.address)
        for each in wanted:
            # One that starts takes a second to hold its lock.
            if time.monotonic() - started.get(each, -LINGER) >= LINGER:
                started[each] = time.monotonic()
                start_recorder(spool, each)
        if left and all(entry.run.address.refusal for entry in left):
            return describe(spool, left)
        time.sleep(0.2)


def describe(spool: Spool, entries: list[Entry]) -> list[str]:
    """One line for each run that is not uploaded to its end, and why not if that is known."""
    lines = []
    for run in (entry.run for entry in entries):
        state = "runs" if run.process.is_alive else "ended"
        reason = ""
        with suppress(FileNotFoundError):  # all goes well
            reason = f": {spool.trouble(run.address).read_text(encoding='utf-8')}"
        lines.append(f"{run.stage} {run.identity[:8]} ({state}): for {run.address}{reason}")
    return lines
