"""The recorder: one process a workspace and MLflow, which uploads the spool until it is empty.

It follows live metrics while stages still write them, marks the runs of vanished stages, closes
parent runs, and waits out an MLflow that is away. It may be killed at any moment: the spool is
there until MLflow has all of it, and everything can be uploaded twice.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from pipeline import disk
from pipeline.record.address import EXPERIMENT, URI, Address, without_secrets
from pipeline.record.spool import Entry, Run, Spool

POLL = 0.5
"""Seconds between two looks at the spool."""

LINGER = 5.0
"""Seconds without work before the recorder ends: the next stage may come at once."""

LONGEST_PAUSE = 15.0
"""Seconds between two attempts at an MLflow that is away."""

PATIENCE = 600.0
"""Seconds after which the recorder leaves a dead MLflow to its successor, if no stage runs."""

LONGEST_LOG = 2**20
"""Bytes; a log beyond that starts anew with the next recorder."""

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that `pipeline` is imported from."""

logger = logging.getLogger(__name__)


def summon(spool: Spool, address: Address) -> None:
    """Start a recorder unless one is alive.

    It is detached: neither the end of the caller nor a signal to its process group reaches it.
    Where it cannot be started the spool waits for a later one; no stage fails for that.
    """
    from filelock import FileLock, Timeout  # 40 ms, which a mere import shall not cost

    try:
        with FileLock(spool.lock(address), blocking=False):
            pass
    except Timeout:
        return  # a recorder has it
    try:
        _start(spool, address)
    except OSError as error:
        disk.write_text(spool.trouble(address), f"no recorder could be started: {error}")


def _start(spool: Spool, address: Address) -> None:
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "DVC_ROOT": str(spool.root),
        URI: address.uri,
        EXPERIMENT: address.experiment,
        # The workspace's own packages come first (-m looks in the folder it starts in): under
        # `dvc exp run --temp` the caller's are in a copy that goes away before the recorder does.
        "PYTHONPATH": os.pathsep.join([str(PACKAGES), *([inherited] if inherited else [])]),
    }
    too_long = spool.log.exists() and spool.log.stat().st_size > LONGEST_LOG
    with spool.log.open("wb" if too_long else "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.record", "upload"],
            cwd=spool.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It forks and leaves within a moment (`__main__`). Only a thread waits for that, so that no
    # zombie stays behind in a long stage.
    threading.Thread(target=process.wait, daemon=True).start()


def record(spool: Spool, address: Address) -> None:
    """Upload all that goes to an address; returns at once if another process does."""
    from filelock import FileLock, Timeout

    while True:
        try:
            with FileLock(spool.lock(address), blocking=False):
                gave_up = _work(spool, address)
        except Timeout:
            return
        # A stage that wrote while the lock was still held counts on this process.
        if gave_up or not has_work(spool, address):
            return


def has_work(spool: Spool, address: Address) -> bool:
    """Whether runs or open parent runs of this address are left."""
    return bool(entries_of(spool, address) or spool.parents(address))


def entries_of(spool: Spool, address: Address) -> list[tuple[Entry, Run]]:
    """The runs that go to an address, oldest first."""
    return [each for each in spool.entries() if each[1].address.private == address]


def _work(spool: Spool, address: Address) -> bool:
    """Pass after pass, until nothing was left for a while; whether patience came to an end."""
    from pipeline.record.uploader import Uploader  # imports MLflow, later

    uploader = Uploader(spool, address)
    failures = 0
    good = busy = time.monotonic()
    while time.monotonic() - busy < LINGER:
        try:
            if has_work(spool, address):
                busy = time.monotonic()
                uploader.upload_all()
            else:
                _tidy(spool)
            spool.trouble(address).unlink(missing_ok=True)
            failures, good = 0, time.monotonic()
            time.sleep(POLL)
        except Exception as error:  # whatever it was: the spool is still there
            failures += 1
            reason = one_line(error)
            logger.warning("%s: %s", address, reason)
            disk.write_text(spool.trouble(address), reason)
            stages_run = any(run.process.is_alive for _, run in entries_of(spool, address))
            if time.monotonic() - good > PATIENCE and not stages_run:
                return True
            time.sleep(min(2.0 ** (failures - 1), LONGEST_PAUSE))
    return False


def _tidy(spool: Spool) -> None:
    """Forget announced ends of reproductions of which no stage ran."""
    ends = spool.ends()  # before the look: a stage is in the spool before its flow has ended
    if not spool.entries() and not any((spool.folder / "parents").glob("*.json")):
        for path in ends:
            path.unlink(missing_ok=True)


def wait_until_uploaded(
    spool: Spool, address: Address, timeout: float, key: str | None = None
) -> list[str]:
    """Wait until MLflow has everything, and every parent run is closed that can be.

    The run of a stage that has ended is sent to `address` if the MLflow it was meant for fails.

    Args:
        spool: the workspace's.
        address: where this process's environment wants the record.
        timeout: seconds.
        key: wait for the stages of this reproduction only, whatever else goes on here.

    Returns:
        What is left, a line each; empty if there is nothing.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = [
            each for each in spool.entries()
            if key is None or (each[1].reproduction and each[1].reproduction.key == key)
        ]  # fmt: skip
        over = [] if key else [each for each in spool.parents(address) if each.ending(spool)]
        if not left and not over:
            return []
        if time.monotonic() > deadline:
            late = [_describe(spool, run) for _, run in left]
            return late or [f"parent runs are still open at {address}"]
        for entry, run in left:
            private = run.address.private
            if private != address and spool.trouble(private).exists() and not run.process.is_alive:
                entry.write(run.model_copy(update={"address": address.public}))
                private = address
            summon(spool, private)
        if over:
            summon(spool, address)
        time.sleep(0.2)


def describe_left(spool: Spool) -> list[str]:
    """One line for each run that is not uploaded to its end, and why not if that is known."""
    return [_describe(spool, run) for _, run in spool.entries()]


def one_line(error: BaseException) -> str:
    """An error as a person reads it in a list."""
    return without_secrets(" ".join(f"{type(error).__name__}: {error}".split()))[:300]


def _describe(spool: Spool, run: Run) -> str:
    state = "runs" if run.process.is_alive else "ended"
    line = f"{run.stage} {run.identity[:8]} ({state}): for {run.address}"
    trouble = spool.trouble(run.address)
    return f"{line}: {trouble.read_text(encoding='utf-8')}" if trouble.exists() else line
