"""Prefect's and MLflow's servers on this machine: `python -m flows.servers`, or `make server`.

Both listen on the loopback only and keep what they know in SQLite in the project's folder. MLflow's
is the database that stages write to without a server, so that nothing is recorded twice. For many
machines the environment names a database server, a place for artifacts and an address to listen on
(docs/cluster.md).
"""

import argparse
import http.client
import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

from flows.programs import Program, run_together
from pipeline.command import command
from pipeline.record.address import find_address
from pipeline.record.mlflow_store import connect

HOST = "STUDY_HOST"
"""Environment variable: the address to listen on; the loopback without it."""

LOOPBACK = "127.0.0.1"

DATABASE, ARTIFACTS = "MLFLOW_BACKEND_STORE_URI", "MLFLOW_ARTIFACTS_DESTINATION"
"""Environment variables of MLflow's own. Prefect's is PREFECT_API_DATABASE_CONNECTION_URL."""

PREFECT_PORT, MLFLOW_PORT = "PREFECT_SERVER_API_PORT", "MLFLOW_PORT"
"""Environment variables, which the servers read themselves; 4200 and 5000 without them."""

FOLDER = Path(".prefect")
"""Prefect's database and settings."""

Health = tuple[str, bytes]
"""Where a server says how it is, and what it says if all is well."""

PREFECT_HEALTH: Health = ("/api/health", b"true")
MLFLOW_HEALTH: Health = ("/health", b"OK")

ORIGINS = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"
"""Environment variable of Prefect's: whose pages a browser lets command its server. Prefect allows
all pages of the internet."""

PATIENCE = 120.0
"""Seconds that a server may take to answer."""


def addresses() -> tuple[str, str]:
    """Where the servers of this machine listen: Prefect's, MLflow's."""
    prefect, mlflow = os.environ.get(PREFECT_PORT, "4200"), os.environ.get(MLFLOW_PORT, "5000")
    return f"http://{_host()}:{prefect}", f"http://{_host()}:{mlflow}"


@command("servers")
def main() -> int:
    """Serve until told to stop; returns the exit status."""
    argparse.ArgumentParser(prog="python -m flows.servers", description=__doc__).parse_args()
    root = Path.cwd()
    prefect, mlflow = addresses()
    threading.Thread(target=_print_when_ready, args=(prefect, mlflow), daemon=True).start()
    return run_together([_prefect(root, prefect), _mlflow(root)])


def answers(address: str, health: Health) -> bool:
    """Whether a server says that it is well, and is of this kind and not another program."""
    path, expected = health
    try:
        with urllib.request.urlopen(address + path, timeout=2) as answer:  # noqa: S310 (http, ours)
            return bool(answer.read(100).strip() == expected)
    except (http.client.HTTPException, OSError, ValueError):
        return False


def _host() -> str:
    """As it stands in an address: one of IPv6 in brackets."""
    host = (os.environ.get(HOST) or LOOPBACK).strip("[]")
    return f"[{host}]" if ":" in host else host


def _prefect(root: Path, address: str) -> Program:
    (root / FOLDER).mkdir(exist_ok=True)
    by_name = address.replace(_host(), "localhost")
    return Program(
        "prefect server",
        [sys.executable, "-m", "prefect", "server", "start", "--host", _host().strip("[]")],
        {
            "PREFECT_HOME": str(root / FOLDER),
            "PREFECT_API_URL": f"{address}/api",  # the page that it serves asks there
            ORIGINS: os.environ.get(ORIGINS) or f"{address},{by_name}",
            "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
            # A cancelled grid's experiments end after as many seconds, and not after 20.
            "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "5",
        },
        gives_way=True,
    )


def _mlflow(root: Path) -> Program:
    host = _host()
    pattern = host.replace("[", "[[]")  # what holds a * is matched as names of files are
    database, artifacts = os.environ.get(DATABASE), os.environ.get(ARTIFACTS)
    if not database:
        database = f"sqlite:///{root / 'mlflow.db'}"
        # Made here and not by the server, so that files lie where stages without a server put them.
        connect(database, find_address(root).experiment, root)
    return Program(
        "mlflow server",
        [sys.executable, "-m", "mlflow", "server", "--host", host.strip("[]"), "--workers", "1",
         "--allowed-hosts", f"{host},{pattern}:*,localhost,localhost:*"],
        {
            # The environment and not the command line, which everybody on the machine can read.
            DATABASE: database,
            ARTIFACTS: artifacts or str(root / "mlruns"),
            # It would start five more processes, for evaluations of language models.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        gives_way=True,
    )  # fmt: skip


def _print_when_ready(prefect: str, mlflow: str) -> None:
    waiting = {"Prefect": (prefect, PREFECT_HEALTH), "MLflow": (mlflow, MLFLOW_HEALTH)}
    deadline = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < deadline:
        for name, (address, health) in list(waiting.items()):
            if answers(address, health):
                print(f"{name} is ready: {address}", flush=True)
                del waiting[name]
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
