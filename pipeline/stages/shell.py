"""What every stage has around it: arguments, parameters, the record, and how errors end."""

import argparse
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from pipeline import layout
from pipeline.errors import UserError
from pipeline.params import Params, load
from pipeline.tracking.journal import Journal, stage_run


@dataclass(frozen=True)
class Stage:
    """A stage at work.

    Attributes:
        name: its name in dvc.yaml, such as `train@cnn`.
        params: all of params.yaml; a stage reads its own section.
        journal: what it tells the record in MLflow.
    """

    name: str
    params: Params
    journal: Journal


def run(
    name: str,
    work: Callable[[Stage], None],
    *,
    own_params: Callable[[Params], Mapping[str, Any]],
    resume: Callable[[Params], str | None] = lambda _: None,
) -> None:
    """Run a stage as a program: parameters in, files out, exit status 1 on a user's error.

    Args:
        name: as in dvc.yaml.
        work: does the stage's work.
        own_params: the part of the parameters that the stage reads, for the record.
        resume: the id of a killed run that this one continues, if there is one.
    """
    parser = argparse.ArgumentParser(prog=f"python -m pipeline.stages.{name.split('@')[0]}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments, _ = parser.parse_known_args()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    started = time.perf_counter()
    try:
        params = load()
        layout.folder(name).mkdir(parents=True, exist_ok=True)
        with stage_run(name, own_params(params), resume=resume(params)) as journal:
            work(Stage(name, params, journal))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            journal.metrics(
                {"stage.seconds": time.perf_counter() - started, "stage.peak_memory_mib": peak}
            )
    except UserError as error:
        if arguments.debug:
            raise
        print(f"{name}: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    """Leave through every `with` and `finally`, so that the record says that it was killed."""
    raise SystemExit(128 + number)
