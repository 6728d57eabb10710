"""Prefect's and MLflow's servers on this machine: `python -m flows.servers`, or `make server`.

Both listen on the loopback only and keep what they know in SQLite in the project's folder. MLflow's
is the database that stages write to without a server, so that nothing is recorded twice.
"""

import os
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from flows.supervise import Program, supervise
from pipeline.tracking import places
from pipeline.tracking.store import connect

HOST = "127.0.0.1"

PREFECT_PORT, MLFLOW_PORT = "PREFECT_SERVER_API_PORT", "MLFLOW_PORT"
"""Environment variables; 4200 and 5000 without them."""

FOLDER = Path(".prefect")
"""Prefect's database and settings."""

PATIENCE = 120.0
"""Seconds that a server may take to answer."""


def addresses() -> tuple[str, str]:
    """Where the servers of this machine listen: Prefect's, MLflow's."""
    prefect, mlflow = os.environ.get(PREFECT_PORT, "4200"), os.environ.get(MLFLOW_PORT, "5000")
    return f"http://{HOST}:{prefect}", f"http://{HOST}:{mlflow}"


def main() -> int:
    """Serve until told to stop; returns the exit status."""
    root = Path.cwd()
    prefect, mlflow = addresses()
    database = f"sqlite:///{root / 'mlflow.db'}"
    # Made here and not by the server, so that its files lie where stages without a server put them.
    connect(places.Address(database, places.find_address(root).experiment), root)
    ready = threading.Thread(target=_tell_when_ready, args=(prefect, mlflow), daemon=True)
    ready.start()
    return supervise([_prefect(root, prefect), _mlflow(root, database, mlflow)])


def answers(address: str) -> bool:
    """Whether a server says that it is well."""
    for path in ("/api/health", "/health"):
        try:
            with urllib.request.urlopen(address + path, timeout=2):  # noqa: S310 (http, our own)
                return True
        except (urllib.error.URLError, OSError):
            continue
    return False


def _prefect(root: Path, address: str) -> Program:
    (root / FOLDER).mkdir(exist_ok=True)
    port = address.rpartition(":")[2]
    return Program(
        "prefect server",
        [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", port],
        {
            "PREFECT_HOME": str(root / FOLDER),
            "PREFECT_API_URL": f"{address}/api",  # the page that it serves asks there
            "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        },
    )


def _mlflow(root: Path, database: str, address: str) -> Program:
    port = address.rpartition(":")[2]
    return Program(
        "mlflow server",
        [
            sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", port,
            "--backend-store-uri", database, "--workers", "1",
            "--artifacts-destination", str(root / "mlruns"),
        ],
        # It would start five more processes, for evaluations of language models.
        {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # fmt: skip


def _tell_when_ready(prefect: str, mlflow: str) -> None:
    waiting = {"Prefect": prefect, "MLflow": mlflow}
    deadline = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < deadline:
        for name, address in list(waiting.items()):
            if answers(address):
                print(f"{name} is ready: {address}", flush=True)
                del waiting[name]
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
