"""Stages that DVC runs: what became of each, and what they print."""

import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.driver.output_lines import LineLog, read_text, split_parts
from pipeline.driver.process_family import start

LAST_LINES = 12
"""Of a stage's output: how many a failure quotes."""

DVC = (sys.executable, "-m", "dvc")

State = Literal["ran", "cached", "failed"]

Hear = Callable[[str, str, str], None]
"""Gets a stage, empty before the first one, a part of its output, and what ended that part."""

_ANNOUNCES = re.compile(
    r"Running stage '(?P<ran>[^']+)'|(Stage )?'(?P<cached>[^']+)' "
    r"(didn't change, skipping|is cached - skipping run, checking out outputs)$"
)
_SAYS_KILLED = re.compile(r"exited with (-\d+|1[3-5]\d)$")  # by a signal, as Python or a shell says

_NOISE = re.compile(
    # For each output that no former run left in the fresh copy of an experiment.
    r"WARNING: No file hash info found for "
    # What a person at a terminal may do after each stage.
    r"|To track the changes with git, run:|\s+git add |To enable auto staging, run:"
    r"|\s+dvc config core\.autostage|Use `dvc push` to send"
)


@dataclass(frozen=True)
class Outcome:
    """What became of a stage.

    Args:
        state: whether DVC ran it, found it up to date (or in its cache), or neither.
        seconds: how long that took.
        message: one line, or, of a failure, the last lines of the output.
        was_killed: a signal ended it, such as the kernel's when memory is short: the same again may
            go well.
    """

    state: State
    seconds: float
    message: str = field(repr=False)  # Prefect logs a failed state's message and its data
    was_killed: bool = False


@dataclass
class _AtWork:
    """The stage that DVC has named last."""

    name: str = ""
    state: State = "ran"
    since: float = field(default_factory=time.monotonic)
    last: "deque[str]" = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.since

    def succeed(self) -> Outcome:
        if self.state == "cached":
            return Outcome("cached", self.seconds, "up to date: DVC skipped it")
        return Outcome("ran", self.seconds, f"ran in {self.seconds:.1f} s")

    def fail(self, status: int) -> Outcome:
        how = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
        was_killed = status < 0 or any(_SAYS_KILLED.search(line) for line in self.last)
        message = "\n".join([f"dvc: {how}. Last lines:", *self.last])
        return Outcome("failed", self.seconds, message, was_killed)


def reproduce(
    name: str,
    root: Path,
    log: Callable[[str], None],
    *,
    force: bool = False,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Outcome:
    """Bring one stage up to date, given that all it needs is. Several may run at once.

    The log gets each line of the output, of DVC and of the stage, as it comes. With `force` the
    stage runs even if it is up to date; environment and timeout are those of `follow`.
    """
    # Without --wait-for-lock parallel calls fail at random; without --single-item each would also
    # lock and check all that is upstream, which is reproduced already.
    command = ["--wait-for-lock", "repro", "--single-item", *(["--force"] if force else []), name]
    lines = LineLog(log)
    return follow(
        command,
        hear=lambda _stage, text, end: lines(text, end),
        environment=environment,
        folder=root,
        timeout=timeout,
    )


def follow(
    command: Sequence[str],
    *,
    hear: Hear,
    ended: Callable[[str, Outcome], None] = lambda _stage, _outcome: None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float | None = None,
) -> Outcome:
    """Run DVC, and note from what it prints which stage is at work.

    Args:
        command: arguments of DVC.
        hear: gets the output as it comes.
        ended: gets each stage that DVC has named, once it has ended.
        environment: variables for the stages, beyond this process's.
        folder: where DVC works; None for the working directory.
        timeout: seconds that each stage may take; None for no limit.

    Returns:
        What became of the last stage, and so of all.
    """
    at_work = _AtWork()

    def time_left() -> float | None:
        return None if timeout is None else timeout - at_work.seconds

    try:
        with start([*DVC, *command], make_environment(environment or {}), folder) as process:
            assert process.stdout is not None  # noqa: S101 (it is a pipe)
            for text, end in split_parts(read_text(process.stdout, time_left)):
                if _NOISE.match(text):
                    continue
                named = _read_announcement(text)
                # A stage that prints its own name as DVC does is still at work.
                if named and named[0] != at_work.name:
                    if at_work.name:
                        ended(at_work.name, at_work.succeed())
                    at_work = _AtWork(*named)
                if text and end != "\r":
                    at_work.last.append(text)
                hear(at_work.name, text, end)
        outcome = at_work.fail(process.returncode) if process.returncode else at_work.succeed()
    except TimeoutError:
        message = f"ended: it took longer than {timeout:g} s"
        outcome = Outcome("failed", at_work.seconds, message)
    if at_work.name:
        ended(at_work.name, outcome)
    return outcome


def make_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's variables and more, for a DVC whose stages call the same Python.

    Stages call `python3`: that shall be the one that runs this, also where its virtual environment
    is not activated. Unbuffered, it prints while it works and not at its end.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    quiet = {"PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}
    return {**os.environ, "PATH": path, **quiet, **more}


def _read_announcement(line: str) -> tuple[str, State] | None:
    """The stage that DVC says it runs or skips, if the line is DVC's."""
    if not (found := _ANNOUNCES.match(line)):
        return None
    return (found["ran"], "ran") if found["ran"] else (found["cached"], "cached")
