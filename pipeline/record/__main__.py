"""`python -m pipeline.record wait|status|made|again|upload`: the record, and what made results."""

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path

from pipeline.command import command
from pipeline.dvc_yaml import read_entries, read_locked
from pipeline.errors import UserError
from pipeline.params import load
from pipeline.priority import give_way
from pipeline.record import address as addresses
from pipeline.record import made_by
from pipeline.record.flow_run import FlowRun
from pipeline.record.recorder import describe, record, wait_until_uploaded
from pipeline.record.spool import Spool
from pipeline.record.stage_run import stage_run
from pipeline.stale import find_stale

_OFF = f"record: off ({addresses.SWITCH}=off)"


@command("record")
def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.record", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, act, what in (
        ("wait", _wait, "return once MLflow has everything"),
        ("status", _status, "list what MLflow has not got yet"),
        ("made", _made, "say what made each result that lies here, if that is known"),
        ("again", _again, "record the results that lie here, as after `dvc pull`"),
        ("upload", _upload, "be the recorder (stages start it themselves)"),
    ):
        commands.add_parser(name, help=what).set_defaults(act=act)
    commands.choices["wait"].add_argument("--timeout", type=float, default=120.0, help="seconds")
    chosen = parser.parse_args()
    return int(chosen.act(Spool(addresses.find_root()), chosen))


def _wait(spool: Spool, chosen: argparse.Namespace) -> int:
    if addresses.is_off():
        print(_OFF)
        return 0
    started = time.monotonic()
    address = addresses.find_address(spool.root)
    left = wait_until_uploaded(spool, address, chosen.timeout)
    waited = f"after {time.monotonic() - started:.1f} s"
    if left:
        print(f"record: not uploaded {waited}: {'; '.join(left)}", file=sys.stderr)
        return 1
    print(f"record: all in {address} {waited}")
    return 0


def _status(spool: Spool, _chosen: argparse.Namespace) -> int:
    print("\n".join(describe(spool, spool.entries()) or ["record: everything is uploaded"]))
    return 0


def _made(_spool: Spool, _chosen: argparse.Namespace) -> int:
    """One line a stage of dvc.lock; status 1 unless each result is known to be what was made."""
    findings = {stage: made_by.check(stage) for stage in read_locked()}
    if not findings:
        raise UserError("dvc.lock: none that can be read is here; `dvc repro` makes it")
    for stage, (_, text) in findings.items():
        print(f"{stage}: {text}")
    return int(not all(fits for fits, _ in findings.values()))


def _again(_spool: Spool, _chosen: argparse.Namespace) -> int:
    """Record each stage of dvc.lock whose results lie here; twice makes no further runs.

    All that the record needs lies beside them. Results of other parameters than params.yaml's are
    left out.
    """
    if addresses.is_off():
        print(_OFF)
        return 0
    values, stages = load().model_dump(), read_locked()
    git = made_by.git_state()
    found = []
    stale = find_stale(stages, values)
    name = f"again {git['revision'][:10] if git else ''}".strip()
    with FlowRun(name, addresses.digest(str(stages))) as flow:
        os.environ.update(flow.environment)
        # A stage that was taken out of dvc.yaml may still be in dvc.lock.
        known = {name: entry for entry in read_entries() for name in entry.names}
        for stage, locked in stages.items():
            places = [Path(out["path"]) for out in locked.get("outs", ())]
            is_here = stage in known and all(place.exists() for place in places)
            if is_here and stage not in stale:
                made = made_by.read(stage) if made_by.check(stage)[0] else {"git": git}
                identity = addresses.digest(json.dumps([stage, locked], sort_keys=True))
                entry = known[stage]
                own = entry.pick_params(stage, values)
                with stage_run(stage, own, made=made, meta=entry.record, resume=identity):
                    found.append(stage)
    print(f"record: {', '.join(found) or 'no results of these parameters lie here'}")
    return 0


def _upload(spool: Spool, _chosen: argparse.Namespace) -> int:
    give_way()
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutSecrets("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    record(spool, addresses.find_address(spool.root))
    return 0


class WithoutSecrets(logging.Formatter):
    """Keeps passwords out of a log: errors of libraries name addresses as they got them."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback below it."""
        return addresses.without_secrets(super().format(record))


if __name__ == "__main__":
    sys.exit(main())
