"""Seeing the record through, and saying what is left of it."""

import time

from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Address, Desk
from pipeline.tracking.reader import StoredJournal, read_journals
from pipeline.tracking.summon import summon

POLL = 0.2
"""Seconds between two looks."""


def wait_until_shipped(
    desk: Desk, address: Address, timeout: float, key: str | None = None
) -> list[str]:
    """Wait until every journal is shipped and every parent run closed that can be.

    A journal of a stage that has ended is sent to `address` if the MLflow it was meant for fails.

    Args:
        desk: The workspace's.
        address: Where this process's environment wants the record.
        timeout: Seconds.
        key: Wait for the journals of this reproduction only, whatever else goes on here.

    Returns:
        What is left, a line each; empty if all is shipped.
    """
    deadline = time.monotonic() + timeout
    while not _is_shipped(desk, address, key):
        if time.monotonic() > deadline:
            late = [_describe(desk, journal) for journal in _journals(desk, key)]
            return late or [f"parent runs are still open at {address}"]
        _rescue(desk, address)
        for wanted in {address, *(journal.address for journal in _journals(desk, key))}:
            summon(desk, wanted)
        time.sleep(POLL)
    return []


def wait_until_known(desk: Desk, run: str, timeout: float) -> bool:
    """Wait until MLflow knows a run whose journal is open, so that others can be nested in it.

    Returns:
        Whether it does.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        journals = [journal for journal in read_journals(desk) if journal.run == run]
        if all(journal.is_known_to(journal.address) for journal in journals):
            return bool(journals)
        time.sleep(POLL)
    return False


def describe_unshipped(desk: Desk) -> list[str]:
    """One line for each journal that is not shipped yet, and why not if that is known."""
    return [_describe(desk, journal) for journal in read_journals(desk)]


def _is_shipped(desk: Desk, address: Address, key: str | None) -> bool:
    if _journals(desk, key):
        return False
    return key is not None or not any(Parents(desk, address).over(busy=()))


def _journals(desk: Desk, key: str | None) -> list[StoredJournal]:
    found = read_journals(desk)
    if key is None:
        return found
    return [each for each in found if each.reproduction and each.reproduction.key == key]


def _rescue(desk: Desk, address: Address) -> None:
    for journal in read_journals(desk):
        elsewhere = journal.address
        is_stuck = elsewhere != address and desk.trouble(elsewhere).exists()
        if is_stuck and not journal.process.is_alive:
            journal.redirect(address)


def _describe(desk: Desk, journal: StoredJournal) -> str:
    address = journal.address
    state = "runs" if journal.process.is_alive else "ended"
    count = len(journal.unshipped(address))
    line = f"{journal.name} {journal.run[:8]} ({state}): {count} events for {address}"
    trouble = desk.trouble(address)
    return f"{line}: {trouble.read_text(encoding='utf-8')}" if trouble.exists() else line
