"""What every stage has around it: arguments, parameters, the record, and how errors end."""

import argparse
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import psutil

from pipeline import disk, layout
from pipeline.compute import compute_slot
from pipeline.errors import UserError
from pipeline.params import Params, load
from pipeline.tracking import made_by
from pipeline.tracking.journal import Journal, stage_run


@dataclass(frozen=True)
class Stage:
    """A stage at work.

    Attributes:
        name: its name in dvc.yaml, such as `train@cnn`.
        params: all of params.yaml; a stage reads its own section.
        journal: what it tells the record in MLflow.
        machine: the device that it computes on, and how.
        at_end: what is done once all is written and told, such as clearing checkpoints away.
    """

    name: str
    params: Params
    journal: Journal
    machine: dict[str, str] = field(default_factory=dict)
    at_end: list[Callable[[], None]] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Print a line for whoever watches."""
        _tell(self.name)(text)

    def runs_on(self, machine: Mapping[str, str]) -> None:
        """Keep device, precision and threads for the record, and for `made_by.json`."""
        self.machine.update(machine)
        self.journal.tags(machine)


def run(
    name: str,
    work: Callable[[Stage], None],
    *,
    own_params: Callable[[Params], Mapping[str, Any]],
    heavy: bool = False,
    resume: Callable[[Params], str | None] = lambda _: None,
    arguments: Sequence[str] | None = None,
    first: bool = True,
) -> None:
    """Run a stage as a program: parameters in, files out, exit status 1 on a user's error.

    Args:
        name: as in dvc.yaml.
        work: does the stage's work.
        own_params: the part of the parameters that the stage reads, for the record.
        heavy: it fills the machine (`meta: {compute: heavy}` in dvc.yaml): it holds a compute slot.
        resume: the id of a killed run that this one continues, if there is one.
        arguments: of the command line, but for those that the stage took; None for all of them.
        first: False for the other ones of several processes that do one stage's work together.
    """
    parser = argparse.ArgumentParser(prog=f"python -m pipeline {name.split('@')[0]}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        params = load()
        layout.folder(name).mkdir(parents=True, exist_ok=True)
        with (
            compute_slot(_tell(name)) if heavy and first else nullcontext() as slot,
            stage_run(name, own_params(params), resume=resume(params))
            if first
            else nullcontext(Journal("", None)) as journal,
        ):
            stage = Stage(name, params, journal)
            if first:
                made_by.forget(name)
                stage.runs_on({"device": "cpu"})  # unless the work says otherwise
            work(stage)
            if first:
                journal.artifact(made_by.write(name, params, stage.machine, journal.run))
                journal.metrics(_spent(slot.waited if slot else 0.0))
        for each in stage.at_end:
            each()
    except UserError as error:
        if options.debug:
            raise
        print(f"{name}: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception as error:
        trouble = disk.explain(error, layout.folder(name))
        if options.debug or trouble is None:
            raise
        print(f"{name}: error: {trouble}", file=sys.stderr)
        raise SystemExit(1) from None


def _tell(name: str) -> Callable[[str], None]:
    return lambda text: print(f"{name}: {text}", flush=True)


def _spent(waited: float) -> dict[str, float]:
    """Seconds of the process, imports included and waiting not, and the most memory it held."""
    return {
        "stage.seconds": time.time() - psutil.Process().create_time() - waited,
        "stage.waited_seconds": waited,
        "stage.peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    """Leave through every `with` and `finally`, so that the record says that it was killed."""
    raise SystemExit(128 + number)
