"""`python -m pipeline.tracking wait|status|made|record`: the record, and what made each result."""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

from pipeline.priority import give_way
from pipeline.tracking import places
from pipeline.tracking.places import Address, Desk


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.tracking", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    waiting = commands.add_parser("wait", help="return once everything is shipped to MLflow")
    waiting.add_argument("--timeout", type=float, default=120.0, help="seconds (%(default)s)")
    commands.add_parser("status", help="list what is not shipped yet")
    commands.add_parser("made", help="tell what made each result that lies here, if that is known")
    commands.add_parser("record", help="be the recorder (stages start it themselves)")
    chosen = parser.parse_args()
    desk = Desk(places.find_root())
    address = places.find_address(desk.root)
    if chosen.command == "record":
        _detach()
        return _record(desk, address)
    if chosen.command == "made":
        return _made()
    if chosen.command == "status":
        return _status(desk)
    return _wait(desk, address, chosen.timeout)


def _detach() -> None:
    """Leave the process tree of the stage: whoever ends that tree does not end the recorder."""
    if os.fork() > 0:
        os._exit(0)
    give_way()


def _record(desk: Desk, address: Address) -> int:
    from pipeline.tracking.recorder import record

    handler = logging.StreamHandler()
    handler.setFormatter(WithoutSecrets("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    record(desk, address)
    return 0


class WithoutSecrets(logging.Formatter):
    """Keeps passwords out of a log: errors of libraries name addresses as they got them."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback below it."""
        return places.without_secrets(super().format(record))


def _wait(desk: Desk, address: Address, timeout: float) -> int:
    from pipeline.tracking.waiting import wait_until_shipped

    if places.is_off():
        print(f"record: off ({places.SWITCH}=off)")
        return 0
    started = time.monotonic()
    left = wait_until_shipped(desk, address, timeout)
    if left:
        print(f"record: not shipped after {timeout:g} s: {'; '.join(left)}", file=sys.stderr)
        return 1
    print(f"record: all in {address} after {time.monotonic() - started:.1f} s")
    return 0


def _status(desk: Desk) -> int:
    from pipeline.tracking.waiting import describe_unshipped

    print("\n".join(describe_unshipped(desk) or ["record: everything is shipped"]))
    return 0


def _made() -> int:
    """One line a stage of dvc.lock; status 1 unless each result is known to be what was made."""
    from pipeline.tracking.made_by import check
    from pipeline.tracking.provenance import locked_stages

    findings = {stage: check(stage) for stage in locked_stages(Path.cwd())}
    for stage, found in findings.items():
        print(f"{stage}: {found.text}")
    return int(any(found.state != "fits" for found in findings.values()))


if __name__ == "__main__":
    sys.exit(main())
