"""Prefect's and MLflow's servers and two workers in a project, for as long as a block lasts."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.project import Project

API = "http://127.0.0.1:14300/api"

PORTS = {"PREFECT_SERVER_API_PORT": "14300", "MLFLOW_PORT": "15300"}


@contextmanager
def orchestration(project: Project) -> Iterator[list[int]]:
    """Start them, wait until they are ready, and end them; the block gets the process ids."""
    environment = {**project.environment, **PORTS, "PREFECT_API_URL": API}
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryFile("w+") as log:
        try:
            for module, ready in (("flows.servers", "is ready"), ("flows.worker", " started!")):
                command = [sys.executable, "-m", module]
                started.append(
                    subprocess.Popen(
                        command, cwd=project.folder, env=environment, stdout=log, stderr=log
                    )
                )
                _wait_for(started[-1], log, ready, 2)
            yield [process.pid for process in started]
        finally:
            for process in reversed(started):
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait_for(process: "subprocess.Popen[bytes]", log: IO[str], words: str, count: int) -> None:
    """Wait until a log says something some times."""
    deadline = time.monotonic() + 120
    while (said := Path(f"/proc/self/fd/{log.fileno()}").read_text()).count(words) < count:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"never said {words!r}, but:\n{said[-2000:]}")
        time.sleep(0.2)
