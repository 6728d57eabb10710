"""What every stage has around it: parameters, the record, and how errors end."""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, TextIO

import psutil

from pipeline import layout, stale
from pipeline.command import command, leave_on_sigterm
from pipeline.compute_slot import compute_slot
from pipeline.dvc_yaml import StageEntry, find_entry, read_locked
from pipeline.params import Params, load
from pipeline.record import made_by
from pipeline.record.address import find_root
from pipeline.record.stage_run import StageRun, stage_run
from pipeline.wait_policy import choose_wait_policy


@dataclass(frozen=True)
class Stage:
    """A stage at work.

    Attributes:
        name: its name in dvc.yaml, such as `train@cnn`.
        params: all of params.yaml; a stage reads its own section.
        record: its run in MLflow, for what goes on while it works; results are found by themselves.
        machine: the device that it computes on, and how.
        at_end: what is done once all is written and kept, such as clearing checkpoints away.
        as_json: whether a program reads what the stage says of its result.
    """

    name: str
    params: Params
    record: StageRun = field(default_factory=StageRun)
    machine: dict[str, str] = field(default_factory=dict)
    at_end: list[Callable[[], None]] = field(default_factory=list)
    as_json: bool = False

    def tell(self, text: str) -> None:
        """Print a line for whoever watches; beside a result for a program, on standard error."""
        _tell(self.name, sys.stderr if self.as_json else None)(text)

    def record_epoch(self, row: Mapping[str, float], of: str = "") -> None:
        """Record an epoch of a training; where a stage has several, `of` is a prefix like `a.`."""
        scores = {f"{of}{name}": value for name, value in row.items() if name != "epoch"}
        self.record.live(scores, step=int(row["epoch"]))

    def runs_on(self, machine: Mapping[str, str]) -> None:
        """Keep device, precision and threads for the record, and for `made_by.json`."""
        self.machine.update(machine)
        self.record.tag(machine)


def run(name: str, *, debug: bool = False, as_json: bool = False) -> None:
    """Run a stage of the study as a program.

    Its module `pipeline.STAGE.stage` has `work(stage)`, which does all of it, and where a killed
    run can be continued `resume(name, params)`, which gives the identity of its run in the record.

    Args:
        name: as DVC calls it, such as `train@cnn`.
        debug: show the traceback of a user's error.
        as_json: print the result for a program, where the stage prints it at all.
    """
    with command(name, debug=debug):
        entry = find_entry(name)
    load_module = partial(import_module, f"pipeline.{entry.name}.stage")
    execute(name, entry, load_module, debug=debug, as_json=as_json)


def execute(
    name: str,
    entry: StageEntry,
    load_module: Callable[[], Any],
    *,
    debug: bool = False,
    as_json: bool = False,
) -> None:
    """Parameters in, files out, exit status 1 on a user's error.

    A stage that fills the machine (`meta: {compute: heavy}` in dvc.yaml) holds a compute slot. Its
    `entry` is what dvc.yaml says of it; its module is loaded, and with it torch, once it has its
    slot; all else is as of `run`.
    """
    leave_on_sigterm()  # so that the record says that it was killed
    with command(name, layout.folder(name), debug=debug):
        with _failure_recorded(name):
            params = load()
            layout.folder(name).mkdir(parents=True, exist_ok=True)
        with compute_slot(_tell(name)) if entry.is_heavy else nullcontext(0.0) as waited:
            if entry.is_heavy:
                choose_wait_policy()  # by what goes on now, and before torch is loaded
            with _failure_recorded(name):
                stale.empty_metrics({name, *stale.find_downstream(read_locked(), name)})
                made = made_by.describe(name, params)
                own = entry.pick_params(name, params.model_dump())
                module = load_module()
                resume = getattr(module, "resume", None)
                resumed = resume(name, params) if resume else None
            with stage_run(name, own, made=made, meta=entry.record, resume=resumed) as record:
                stage = Stage(name, params, record, as_json=as_json)
                if record.refusal:
                    stage.tell(f"recorded in .record/ only: {record.refusal}")
                stage.runs_on({"device": "cpu"})  # unless the work says otherwise
                module.work(stage)
                run = record.identity if record.entry else None
                made_by.write(name, made, stage.machine, run)
                record.measure(_spent(waited))
        _tidy_up(stage)


@contextmanager
def _failure_recorded(name: str) -> Iterator[None]:
    """Give a stage that fails in this block, before its run can begin, a run that says so."""
    try:
        yield
    except Exception as error:
        if (find_root() / "dvc.yaml").is_file():  # elsewhere no record is to be begun
            with suppress(Exception), stage_run(name, {}):
                raise error
        raise


def _tidy_up(stage: Stage) -> None:
    """All is written and recorded as finished by now: what cannot be removed is no failure."""
    for each in stage.at_end:
        try:
            each()
        except OSError as error:
            stage.tell(f"something is left that is of no more use: {error}")


def _tell(name: str, out: TextIO | None = None) -> Callable[[str], None]:
    return lambda text: print(f"{name}: {text}", file=out, flush=True)


def _spent(waited: float) -> dict[str, float]:
    """Seconds of the process, imports included and waiting not, and the most memory it held."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return {
        "stage.seconds": time.time() - psutil.Process().create_time() - waited,
        "stage.waited_seconds": waited,
        "stage.peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20,
    }
