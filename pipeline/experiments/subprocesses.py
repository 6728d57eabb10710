"""Running DVC so that nothing of it is left when this process is told to stop."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import psutil

NOISE = b"WARNING: No file hash info found for "
"""DVC's line for each output that no former run left in a fresh copy: always, and of no use."""

GRACE = 3.0
"""Seconds that a stage gets to end by itself on a Ctrl-C, which has reached it, too."""

PATIENCE = 15.0
"""Seconds that DVC gets to clean up after its stage has ended."""


def run_to_end(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run DVC, and print what it prints.

    Ctrl-C reaches every process at the terminal; a signal to this process alone is passed on. In
    both cases the stage ends first, then DVC, which removes its temporary copy.

    Returns:
        Its exit status.
    """
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        output = process.stdout.fileno()
        try:
            for text in without_noise(iter(lambda: os.read(output, 2**16), b"")):
                with suppress(BrokenPipeError):
                    os.write(1, text)
            return process.wait()
        except BaseException as reason:
            end(process, GRACE if isinstance(reason, KeyboardInterrupt) else 0)
            raise


def without_noise(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out the lines that start with `NOISE`; all else comes through at once, bars too."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).splitlines(keepends=True) or [b""]
        if rest.endswith(b"\n"):
            lines, rest = [*lines, rest], b""
        yield b"".join(line for line in lines if not line.startswith(NOISE))
        if not rest.startswith(NOISE) and not NOISE.startswith(rest):
            yield rest
            rest = b""
    yield rest


def end(process: "subprocess.Popen[bytes]", grace: float) -> None:
    """End DVC's stages, then wait for DVC to clean up; end it by force if it does not.

    Args:
        process: DVC.
        grace: seconds before its stages are told.
    """
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave orphans
    family = {psutil.Process(process.pid)}
    started = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() < started + grace + PATIENCE:
            with suppress(psutil.Error):
                children = set(psutil.Process(process.pid).children(recursive=True)) - family
                if time.monotonic() >= started + grace:
                    family |= children
                    for child in children:
                        child.terminate()
            _drain(process)
        for survivor in family:
            with suppress(psutil.Error):
                survivor.kill()
        psutil.wait_procs(family, timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGINT, handler)


def _drain(process: "subprocess.Popen[bytes]") -> None:
    """Wait a little, and read on meanwhile: DVC shall not stand still before a full pipe."""
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=0.3)
