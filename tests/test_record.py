"""The record when two write to it at once, and what MLflow's own pages look for in it."""

import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from pipeline import disk
from pipeline.tracking import declaration, parents
from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Desk, find_address
from pipeline.tracking.processes import this_process
from pipeline.tracking.reproduction import Reproduction

from .conftest import ROOT

PATIENCE = 1.0
"""Seconds that one writer gets to come between what another reads and what it writes."""


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_what_the_recorder_notes_does_not_undo_what_the_flow_says_meanwhile(desk, monkeypatch):
    declaration.declare(desk, "key", "the flow")
    end = threading.Thread(target=declaration.declare_end, args=(desk, "key", "FINISHED"))
    write_text = disk.write_text

    def write_late(path, text):
        monkeypatch.setattr(disk, "write_text", write_text)
        end.start()  # the note is read by now, and not yet written
        end.join(PATIENCE)
        write_text(path, text)

    monkeypatch.setattr(disk, "write_text", write_late)
    declaration.note(desk, "key", gate="takes it")
    end.join()
    found = declaration.find(desk, "key")
    assert (found.status, found.notes) == ("FINISHED", {"gate": "takes it"})


FLOW = """
import sys
from pathlib import Path
from pipeline.tracking import declaration
from pipeline.tracking.places import Desk

desk = Desk(Path(sys.argv[1]))
declaration.declare(desk, "key", "the flow")
print("declared", flush=True)
sys.stdin.readline()
declaration.declare_end(desk, "key", "FINISHED")
"""


@pytest.mark.parametrize("again", [False, True])
def test_a_flow_that_ends_while_the_recorder_looks_was_not_killed(desk, monkeypatch, again):
    with subprocess.Popen(
        [sys.executable, "-c", FLOW, str(desk.root)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as flow:  # fmt: skip
        assert flow.stdout.readline() == "declared\n"
        declared = declaration.find(desk, "key").flow
        # Where a flow is tried again, the parent run may still watch the process of the first try.
        watch = replace(this_process(), created=0.0) if again else declared
        opened = Parents(desk, find_address(desk.root))
        opened.open(Reproduction("key", "the flow", watch))
        assert not list(opened.over(busy=()))
        find = declaration.find

        def find_and_let_end(*where):
            monkeypatch.setattr(declaration, "find", find)
            said = find(*where)
            flow.communicate("end\n", timeout=60)
            return said

        monkeypatch.setattr(parents.declaration, "find", find_and_let_end)
        ended = [(key, status) for key, status, _ in opened.over(busy=())]
        assert ended in ([], [("key", "FINISHED")])
        assert [status for _, status, _ in opened.over(busy=())] == ["FINISHED"]


def test_a_reproduction_that_began_anew_is_not_forgotten_with_its_former_end(desk):
    address = find_address(desk.root)
    declaration.declare(desk, "key", "the flow")
    Parents(desk, address).open(Reproduction("key", "the flow", this_process()))
    declaration.declare_end(desk, "key", "FAILED")
    assert list(Parents(desk, address).over(busy=()))
    declaration.declare(desk, "key", "the flow")  # while the recorder closes the parent run
    Parents(desk, address).drop("key")
    assert declaration.find(desk, "key").status is None
