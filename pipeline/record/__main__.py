"""`python -m pipeline.record wait|status|made|again|upload`: the record, and what made results."""

import argparse
import logging
import sys
import time

from pipeline.dvc_yaml import read_locked
from pipeline.errors import UserError
from pipeline.priority import give_way
from pipeline.record import address as addresses
from pipeline.record.recorder import describe, record, wait_until_uploaded
from pipeline.record.spool import Spool


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
        command = commands.add_parser(name, help=what)
        command.set_defaults(act=act)
        if name == "wait":
            command.add_argument("--timeout", type=float, default=120.0, help="seconds")
    chosen = parser.parse_args()
    return int(chosen.act(Spool(addresses.find_root()), chosen))


def _upload(spool: Spool, _: argparse.Namespace) -> int:
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


def _wait(spool: Spool, chosen: argparse.Namespace) -> int:
    if addresses.is_off():
        print(f"record: off ({addresses.SWITCH}=off)")
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


def _status(spool: Spool, _: argparse.Namespace) -> int:
    print("\n".join(describe(spool, spool.entries()) or ["record: everything is uploaded"]))
    return 0


def _again(*_unused: object) -> int:
    from pipeline.record.again import record_again

    try:
        print(f"record: {', '.join(record_again()) or 'no results of these parameters lie here'}")
    except UserError as error:
        print(f"record: error: {error}", file=sys.stderr)
        return 1
    return 0


def _made(*_unused: object) -> int:
    """One line a stage of dvc.lock; status 1 unless each result is known to be what was made."""
    from pipeline.record.made_by import check

    findings = {stage: check(stage) for stage in read_locked()}
    for stage, (_, text) in findings.items():
        print(f"{stage}: {text}")
    return int(not all(fits for fits, _ in findings.values()))


if __name__ == "__main__":
    sys.exit(main())
