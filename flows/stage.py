"""One stage, reproduced by a DVC of its own: what became of it, and what it printed."""

import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flows.deadline import Deadline
from flows.output import read_lines, read_text

LAST_LINES = 12
"""Of a stage's output: how many tell why it failed."""

State = Literal["ran", "cached", "failed"]

_HINT = re.compile(
    r"To track the changes with git, run:|\s+git add |To enable auto staging, run:"
    r"|\s+dvc config core\.autostage|Use `dvc push` to send"
)
"""What DVC tells a person at a terminal after each stage."""

_SAYS_RAN = re.compile(r"Running stage '(?P<name>[^']+)'")
_SAYS_CACHED = re.compile(
    r"(?:Stage )?'(?P<name>[^']+)' "
    r"(didn't change, skipping|is cached - skipping run, checking out outputs)$"
)
_SAYS_KILLED = re.compile(r"exited with (-\d+|1[3-5]\d)$")  # by a signal, as Python or a shell says


@dataclass(frozen=True)
class Outcome:
    """What became of a stage.

    Args:
        state: Whether DVC ran it, found it up to date (or in its cache), or neither.
        seconds: How long that took.
        message: One line, or, of a failure, the last lines of the output.
        was_killed: Somebody, such as the kernel when memory was short, ended it by a signal: the
            same again may go well.
    """

    state: State
    seconds: float
    message: str = field(repr=False)  # Prefect logs a failed state's message and its data
    was_killed: bool = False


def reproduce(
    name: str,
    root: Path,
    log: Callable[[str], None],
    *,
    force: bool = False,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Outcome:
    """Bring one stage up to date, given that all it needs is.

    Several may run at once. The stage's processes stay in the caller's process group: whoever ends
    that group ends them too, and no orphan writes outputs later.

    Args:
        name: As in DVC's graph.
        root: The project's folder.
        log: Gets each line of the output, of DVC and of the stage, as it comes.
        force: Run it even if it is up to date.
        environment: Variables for the stage, beyond this process's.
        timeout: Seconds after which it is ended and has failed; None for no limit.
    """
    started = time.monotonic()
    says: State | None = None
    last: deque[str] = deque(maxlen=LAST_LINES)
    with (
        subprocess.Popen(
            _command(name, force),
            cwd=root,
            env=make_environment(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
        Deadline(process, timeout) as deadline,
    ):
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        for line in read_lines(read_text(process.stdout)):
            if _HINT.match(line):
                continue
            heard = hear(line)
            says = says or (heard[1] if heard else None)  # what comes after is the stage's own
            last.append(line)
            log(line)
    seconds = time.monotonic() - started
    if deadline.passed:
        return Outcome("failed", seconds, f"ended: it took longer than {timeout:g} s")
    if process.returncode:
        return fail(process.returncode, seconds, last)
    return succeed(says or "ran", seconds)


def hear(line: str) -> tuple[str, State] | None:
    """The stage that DVC says it runs or skips, if the line is DVC's."""
    if found := _SAYS_RAN.match(line):
        return found["name"], "ran"
    if found := _SAYS_CACHED.match(line):
        return found["name"], "cached"
    return None


def succeed(says: State, seconds: float) -> Outcome:
    """The outcome of a stage that went well."""
    if says == "cached":
        return Outcome("cached", seconds, "up to date: DVC skipped it")
    return Outcome("ran", seconds, f"ran in {seconds:.1f} s")


def fail(status: int, seconds: float, last: "deque[str]") -> Outcome:
    """The outcome of a stage whose DVC ended with a status, and said this last."""
    how = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
    was_killed = status < 0 or any(_SAYS_KILLED.search(line) for line in last)
    return Outcome("failed", seconds, "\n".join([f"dvc: {how}. Last lines:", *last]), was_killed)


def make_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's variables and more, for a DVC whose stages call the same Python.

    Stages call `python`: that shall be the one that runs the flow, also where its virtual
    environment is not activated. Unbuffered, it prints while it works and not at its end.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **more}


def _command(name: str, force: bool) -> list[str]:
    # Without --wait-for-lock parallel calls fail at random; without --single-item each would also
    # lock and check all that is upstream, which is reproduced already.
    options = ["--single-item", *(["--force"] if force else [])]
    return [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *options, name]
