"""This machine's workers: `python -m flows.worker`, or `make worker`.

Brings pools, automations and deployments to Prefect's server, then runs two workers until a signal:
one for flow runs that train, one for those that only wait for others. Any number of machines may do
so against one server, each in a clone of its own.
"""

import argparse
import os
import socket
import sys
import time
from pathlib import Path

from flows import HOME, remote_experiments
from flows.programs import Program, run_together
from flows.servers import LOOPBACK, MLFLOW_HEALTH, PATIENCE, PREFECT_HEALTH, addresses, answers
from pipeline.command import command
from pipeline.compute_slot import count_slots
from pipeline.driver.workspace import check_workspace
from pipeline.errors import UserError
from pipeline.record.address import URI, find_address, without_secrets

POOLS = {"gpu": "2", "control": "5"}
"""The work pools, and how many seconds a worker waits until it asks the server for work again. Each
time costs the server 20 ms of a processor: two workers that ask every second take 4 % of one away
from trainings on the same machine.
"""

QUERY = "PREFECT_WORKER_QUERY_SECONDS"

API = "PREFECT_API_URL"


@command("worker")
def main() -> int:
    """Work until a signal; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.worker", description=__doc__)
    parser.add_argument(
        "--pool", choices=POOLS, action="append", help="only this pool; may be repeated"
    )
    pools = parser.parse_args().pool or POOLS
    root = Path.cwd()
    settings = prepare(root)
    os.environ.update(settings)
    from flows.deployments import set_up  # Prefect reads its settings when it is imported

    name = f"{socket.gethostname()} {root.name}"
    set_up(root)
    slots = count_slots()
    print(f"works for {without_secrets(settings[API])}, {slots} at once, in {root}")
    print(f"records in {find_address(root).uri}", flush=True)
    return run_together([_worker(pool, name, slots if pool == "gpu" else None) for pool in pools])


def prepare(root: Path) -> dict[str, str]:
    """Check what workers need, and find the servers.

    Returns:
        Environment variables for them and for all that they start.

    Raises:
        UserError: this is no project, or no server answers.
    """
    check_workspace()
    count_slots()
    remote_experiments.configure()
    prefect, mlflow = addresses()
    api = os.environ.get(API) or f"{prefect}/api"
    if not api.startswith(("http://", "https://")):
        raise UserError(f"{API} = {without_secrets(api)}: should be as http://10.0.0.1:4200/api")
    server = api.rstrip("/").removesuffix("/api")
    by_number = server.replace("//localhost:", f"//{LOOPBACK}:")
    if prefect not in (server, by_number) and not os.environ.get(URI):
        raise UserError(
            f"{API} = {without_secrets(api)} is another machine's, and {URI} is not set: the "
            f"record would stay here; set it to that machine's MLflow, such as http://10.0.0.1:5000"
        )
    deadline = time.monotonic() + (PATIENCE if API not in os.environ else 2 * PATIENCE)
    while not answers(server, PREFECT_HEALTH):
        if time.monotonic() > deadline:
            raise UserError(f"no Prefect server answers at {server}: `make server`, or set {API}")
        time.sleep(1)
    tracking = os.environ.get(URI) or (mlflow if answers(mlflow, MLFLOW_HEALTH) else "")
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    return {API: api, HOME: str(root), "PYTHONPATH": path, **({URI: tracking} if tracking else {})}


def _worker(pool: str, name: str, limit: int | None) -> Program:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool]
    command += ["--name", f"{pool} {name}", "--type", "process"]
    command += ["--limit", str(limit)] if limit else []
    return Program(f"worker {pool}", command, {QUERY: os.environ.get(QUERY) or POOLS[pool]})


if __name__ == "__main__":
    sys.exit(main())
