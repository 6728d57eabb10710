"""What serves and records gives way to what trains."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.priority import NICE, give_way


@contextmanager
def sleeper(*before):
    """A process that leads a session, as servers and recorders do."""
    command = [*before, sys.executable, "-Sc", "import time; print(flush=True); time.sleep(100)"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as started:
        try:
            started.stdout.readline()
            yield started.pid
        finally:
            started.kill()


def test_a_process_and_its_session_give_way_also_right_after_another():
    weighed = Path("/proc/self/autogroup").exists()
    with ExitStack() as stack:
        pids = [stack.enter_context(sleeper()) for _ in range(2)]
        for pid in pids:
            give_way(pid)
        for pid in pids:
            assert os.getpriority(os.PRIO_PROCESS, pid) == NICE
            if weighed:
                assert Path(f"/proc/{pid}/autogroup").read_text().split()[-1] == str(NICE)


def test_one_that_is_nicer_already_stays_so():
    with sleeper("nice", "-n", "15") as pid:
        give_way(pid)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.nice(0) + 15)
