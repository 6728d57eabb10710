"""What every stage has around it: parameters, the record, and how errors end."""

import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from types import FrameType

import psutil

from pipeline import disk, layout
from pipeline.compute_slot import compute_slot
from pipeline.dvc_yaml import find_entry
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

    def record_epoch(self, row: Mapping[str, float], of: str = "") -> None:
        """Record an epoch of a training; where a stage has several, `of` is a prefix like `a.`."""
        scores = {f"{of}{name}": value for name, value in row.items() if name != "epoch"}
        self.journal.metrics(scores, step=int(row["epoch"]))

    def runs_on(self, machine: Mapping[str, str]) -> None:
        """Keep device, precision and threads for the record, and for `made_by.json`."""
        self.machine.update(machine)
        self.journal.tags(machine)


def run(name: str, *, debug: bool = False) -> None:
    """Run a stage as a program: parameters in, files out, exit status 1 on a user's error.

    Its module `pipeline.STAGE.stage` has `work(stage)`, which does all of it, and where a killed
    run can be continued `resume(name, params)`, which gives the id of its record.

    Args:
        name: as DVC calls it, such as `train@cnn`.
        debug: show the traceback of a user's error.
    """
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        entry = find_entry(name)
        module = import_module(f"pipeline.{entry.name}.stage")
        params = load()
        layout.folder(name).mkdir(parents=True, exist_ok=True)
        resumed = module.resume(name, params) if hasattr(module, "resume") else None
        own_params = entry.pick_params(name, params.model_dump())
        with (
            compute_slot(_tell(name)) if entry.is_heavy else nullcontext() as slot,
            stage_run(name, own_params, resume=resumed) as journal,
        ):
            stage = Stage(name, params, journal)
            made_by.forget(name)
            stage.runs_on({"device": "cpu"})  # unless the work says otherwise
            module.work(stage)
            journal.artifact(made_by.write(name, params, stage.machine, journal.run))
            journal.metrics(_spent(slot.waited if slot else 0.0))
        for each in stage.at_end:
            each()
    except UserError as error:
        if debug:
            raise
        print(f"{name}: error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception as error:
        trouble = disk.explain(error, layout.folder(name))
        if debug or trouble is None:
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
