"""`python -m pipeline.record wait|status|made|upload`: the record, and what made each result."""

import argparse
import logging
import os
import sys
import time

from pipeline.dvc_yaml import read_locked
from pipeline.priority import give_way
from pipeline.record import address as addresses
from pipeline.record.recorder import describe, record, wait_until_uploaded
from pipeline.record.spool import Spool


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.record", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    waiting = commands.add_parser("wait", help="return once MLflow has everything")
    waiting.add_argument("--timeout", type=float, default=120.0, help="seconds (%(default)s)")
    commands.add_parser("status", help="list what MLflow has not got yet")
    commands.add_parser("made", help="say what made each result that lies here, if that is known")
    commands.add_parser("upload", help="be the recorder (stages start it themselves)")
    chosen = parser.parse_args()
    if chosen.command == "made":
        return _made()
    spool = Spool(addresses.find_root())
    if chosen.command == "upload":
        return _upload(spool)
    if chosen.command == "status":
        print("\n".join(describe(spool, spool.entries()) or ["record: everything is uploaded"]))
        return 0
    return _wait(spool, chosen.timeout)


def _upload(spool: Spool) -> int:
    # Leave the process tree of the stage: whoever ends that tree does not end the recorder.
    if os.fork() > 0:
        os._exit(0)
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


def _wait(spool: Spool, timeout: float) -> int:
    if addresses.is_off():
        print(f"record: off ({addresses.SWITCH}=off)")
        return 0
    started = time.monotonic()
    address = addresses.find_address(spool.root)
    if left := wait_until_uploaded(spool, address, timeout):
        print(f"record: not uploaded after {timeout:g} s: {'; '.join(left)}", file=sys.stderr)
        return 1
    print(f"record: all in {address} after {time.monotonic() - started:.1f} s")
    return 0


def _made() -> int:
    """One line a stage of dvc.lock; status 1 unless each result is known to be what was made."""
    from pipeline.record.made_by import check

    findings = {stage: check(stage) for stage in read_locked()}
    for stage, found in findings.items():
        print(f"{stage}: {found.text}")
    return int(any(found.state != "fits" for found in findings.values()))


if __name__ == "__main__":
    sys.exit(main())
