import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.priority import NICE, give_way


@pytest.fixture
def process():
    """A process that leads a session, as servers and recorders do."""
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    with subprocess.Popen(command, start_new_session=True) as started:
        yield started
        started.kill()


def session_of(process):
    return Path(f"/proc/{process.pid}/autogroup")


def test_a_process_gives_way(process):
    give_way(process.pid)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == NICE


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="no sessions are weighed here"
)
def test_its_session_gives_way_also_right_after_another(process):
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    with subprocess.Popen(command, start_new_session=True) as other:
        give_way(other.pid)
        give_way(process.pid)
        for each in (other, process):
            assert session_of(each).read_text().split()[-1] == str(NICE)
        other.kill()
