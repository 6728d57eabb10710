import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.priority import NICE, give_way


@contextmanager
def sleeper(*before):
    """A process that leads a session, as servers and recorders do."""
    command = [*before, sys.executable, "-c", "import time; print(flush=True); time.sleep(100)"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as started:
        try:
            started.stdout.readline()
            yield started
        finally:
            started.kill()


@pytest.fixture
def process():
    with sleeper() as started:
        yield started


def session_of(process):
    return Path(f"/proc/{process.pid}/autogroup")


def test_a_process_gives_way(process):
    give_way(process.pid)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == NICE


def test_one_that_is_nicer_already_stays_so():
    with sleeper("nice", "-n", "15") as process:
        give_way(process.pid)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 15


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="no sessions are weighed here"
)
def test_its_session_gives_way_also_right_after_another(process):
    with sleeper() as other:
        give_way(other.pid)
        give_way(process.pid)
        for each in (other, process):
            assert session_of(each).read_text().split()[-1] == str(NICE)
