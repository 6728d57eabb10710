"""The compute slot: what fills the machine takes turns, or shares its cores by design.

Two processes that both use all cores slow one another far more than twofold, as their thread pools
spin; two trainings on one GPU share its memory. So a heavy stage holds a slot of its machine while
it works, whoever started it: a flow, DVC, an experiment in a copy, a hand. The kernel frees the
slot of a process that was killed. Between machines, Prefect's work pool decides.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.errors import UserError

SLOTS = "STUDY_SLOTS"
"""Environment variable: how many heavy stages run at once; without it one a GPU, or one."""

GPUS = "CUDA_VISIBLE_DEVICES"

THREADS = "OMP_NUM_THREADS"

BETWEEN_TRIES = 0.2
"""Seconds."""


def count_slots() -> int:
    """How many heavy stages this machine runs at once.

    Raises:
        UserError: the environment names an impossible number.
    """
    text = os.environ.get(SLOTS, "")
    if not text:
        return max(1, len(list_gpus()))
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{SLOTS} = {text!r}: should be a whole number from 1, or not set")
    return int(text)


def list_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA names them."""
    if (chosen := os.environ.get(GPUS)) is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1")]
    folder = Path("/proc/driver/nvidia/gpus")  # asking torch would take seconds
    return [str(number) for number, _ in enumerate(folder.iterdir())] if folder.is_dir() else []


@contextmanager
def compute_slot(log: Callable[[str], None] = print) -> Iterator[float]:
    """Hold a slot of this machine, and use no more of it than the slot's share.

    Args:
        log: gets one line if it has to wait.

    Yields:
        For how many seconds it had to.

    Raises:
        UserError: see `count_slots`.
    """
    count, started = count_slots(), time.monotonic()
    number, lock = _acquire(count, log)
    waited = time.monotonic() - started
    try:
        _confine(number, count)
        yield waited
    finally:
        lock.release()


def _acquire(count: int, log: Callable[[str], None]) -> tuple[int, FileLock]:
    folder = Path(tempfile.gettempdir()) / f"image-sentiment-slots-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = [FileLock(folder / f"{number}.lock", timeout=0) for number in range(count)]
    waits = False
    while True:
        for number, lock in enumerate(locks):
            with suppress(Timeout):
                lock.acquire()
                return number, lock
        if not waits:
            waits = True
            log(f"waits for a compute slot: {count} of {count} in use on this machine")
        time.sleep(BETWEEN_TRIES)


def count_cores() -> int:
    """The cores that this process may use; where the system does not say, all that there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _confine(number: int, count: int) -> None:
    """Take the GPU of a slot, and its share of the cores where there are several slots."""
    gpus = list_gpus()
    if len(gpus) > 1:  # before the first call of CUDA, which reads it once
        os.environ[GPUS] = gpus[number % len(gpus)]
    if count > 1:
        share, chosen = max(1, count_cores() // count), os.environ.get(THREADS, "")
        threads = max(1, min(share, int(chosen))) if chosen.isdecimal() else share
        os.environ[THREADS] = str(threads)  # for torch, which is not loaded yet in a stage
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)
