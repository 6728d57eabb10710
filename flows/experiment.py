"""One `dvc exp run`, seen stage by stage.

An experiment runs in a copy that DVC makes and removes, all its stages in one call. What DVC prints
says which stage is at work, so that each can have a task of its own all the same.
"""

import subprocess
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue

from flows.deadline import Deadline
from flows.output import read_lines, read_text
from flows.stage import LAST_LINES, Outcome, State, fail, hear, make_environment, succeed
from pipeline.experiments.running import Experiment, run
from pipeline.experiments.subprocesses import NOISE

NOT_REACHED = Outcome("failed", 0.0, "not run: the experiment ended before")
NOTHING_TO_DO = Outcome("cached", 0.0, "up to date: DVC had nothing to do")

POLL = 0.2
"""Seconds between two looks of a stage's follower whether all is over."""


class FollowedExperiment:
    """An experiment that one thread runs and others follow, one a stage.

    Args:
        experiment: What to run.
        environment: Variables for its stages, beyond this process's.
        timeout: Seconds that one stage may take; None for no limit.
        log: Gets what DVC says before the first stage.
    """

    def __init__(
        self,
        experiment: Experiment,
        *,
        environment: Mapping[str, str],
        timeout: float | None,
        log: Callable[[str], None],
    ) -> None:
        self._experiment, self._environment = experiment, environment
        self._timeout, self._log = timeout, log
        self._heard: defaultdict[str, SimpleQueue[str | Outcome]] = defaultdict(SimpleQueue)
        self._rest = NOT_REACHED
        self._over = threading.Event()
        self._stage, self._since = "", 0.0  # at work
        self._state: State = "ran"
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def run(self) -> bool:
        """Run it to its end; returns whether it succeeded."""
        try:
            succeeded = run(self._experiment, self._execute)
            self._rest = NOTHING_TO_DO if succeeded else NOT_REACHED
            return succeeded
        finally:
            if self._stage:  # it broke here, not in DVC
                self._leave_stage(NOT_REACHED)
            self._over.set()

    def follow(self, stage: str, log: Callable[[str], None]) -> Outcome:
        """Wait until a stage has ended.

        Args:
            stage: As in DVC's graph.
            log: Gets each line of its output as it comes.
        """
        heard = self._heard[stage]
        while True:
            is_over = self._over.is_set()  # asked before looking: nothing comes after that
            try:
                item = heard.get(timeout=POLL)
            except Empty:
                if is_over:
                    return self._rest
                continue
            if isinstance(item, Outcome):
                return item
            log(item)

    def _execute(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        with (
            subprocess.Popen(
                command,
                env=make_environment({**environment, **self._environment}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as process,
            Deadline(process, self._timeout) as deadline,
        ):
            assert process.stdout is not None  # noqa: S101 (it is a pipe)
            for line in read_lines(read_text(process.stdout)):
                if not line.startswith(NOISE.decode()):
                    self._take(line, deadline)
        if deadline.passed:
            message = f"ended: it took longer than {self._timeout:g} s"
            self._leave_stage(Outcome("failed", self._seconds(), message))
        elif process.returncode:
            self._leave_stage(fail(process.returncode, self._seconds(), self._last))
        else:
            self._leave_stage(succeed(self._state, self._seconds()))
        return process.returncode

    def _take(self, line: str, deadline: Deadline) -> None:
        if (heard := hear(line)) and heard[0] != self._stage:
            self._leave_stage(succeed(self._state, self._seconds()))
            self._stage, self._state = heard
            self._since = time.monotonic()
            self._last.clear()
            deadline.restart()
        self._last.append(line)
        if self._stage:
            self._heard[self._stage].put(line)
        else:
            self._log(line)

    def _leave_stage(self, outcome: Outcome) -> None:
        if self._stage:
            self._heard[self._stage].put(outcome)
        elif outcome.state == "failed":
            self._log(outcome.message)
        self._stage = ""

    def _seconds(self) -> float:
        return time.monotonic() - self._since
