"""What Prefect's server has to know of this project: pools, automations, deployments.

All of it stands in files (`pools.yaml`, `automations.yaml`, `prefect.yaml`) and can be brought to a
server any number of times.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkerStatus
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from pipeline.compute_slot import count_slots
from pipeline.errors import UserError

HERE = Path(__file__).parent

HOME = "STUDY_HOME"
"""Environment variable: the clone that a worker's flow runs work in; `prefect.yaml` reads it."""

POOL_LIMIT = "STUDY_POOL_LIMIT"
"""Environment variable: how many flow runs train at once on all machines together."""


def set_up(root: Path, worker: str = "") -> None:
    """Bring pools, automations and deployments to the server.

    Args:
        root: The project's folder.
        worker: Whose machine the pools' limit follows, by the end of its workers' names.

    Raises:
        UserError: Prefect did not take the deployments.
    """
    with get_client(sync_client=True) as client:
        for pool in _read("pools.yaml"):
            _bring_pool(client, pool, worker)
        for automation in _read("automations.yaml"):
            _bring_automation(client, AutomationCore.model_validate(automation))
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    # Without the variable its place in prefect.yaml stays open: each worker has a clone of its own.
    environment = {name: value for name, value in os.environ.items() if name != HOME}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        raise UserError(f"prefect deploy --all: {said[-1000:]}")


def pool_limit(wanted: str | None, known: int | None) -> int | None:
    """How many flow runs a pool takes at once.

    A second machine's worker lowers no limit: the sum over machines is known only to whoever sets
    `STUDY_POOL_LIMIT`.

    Args:
        wanted: As pools.yaml has it: `slots`, or None for no limit.
        known: The limit that other machines' workers go by; None if there are none.

    Raises:
        UserError: the environment names an impossible number.
    """
    if wanted is None:
        return None
    if text := os.environ.get(POOL_LIMIT):
        if not text.isdecimal() or int(text) < 1:
            raise UserError(f"{POOL_LIMIT} = {text!r}: should be a whole number from 1, or not set")
        return int(text)
    return max(count_slots(), known or 0)


def _read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((HERE / name).read_text(encoding="utf-8")))


def _bring_pool(client: SyncPrefectClient, pool: dict[str, Any], worker: str) -> None:
    name, description = pool["name"], pool["description"]
    try:
        known = client.read_work_pool(name)
    except ObjectNotFound:
        new = WorkPoolCreate(
            name=name,
            type=pool["type"],
            description=description,
            concurrency_limit=pool_limit(pool["limit"], None),
            base_job_template=ProcessWorker.get_default_base_job_template(),
        )
        client.create_work_pool(new)
        return
    others = any(
        other.status is WorkerStatus.ONLINE and not (worker and other.name.endswith(worker))
        for other in client.read_workers_for_work_pool(name)
    )
    limit = pool_limit(pool["limit"], known.concurrency_limit if others else None)
    changes = WorkPoolUpdate(description=description, concurrency_limit=limit)
    client.update_work_pool(name, changes)


def _bring_automation(client: SyncPrefectClient, automation: AutomationCore) -> None:
    known = client.read_automations_by_name(automation.name)
    if not known:
        client.create_automation(automation)
    for found in known[:1]:
        # A changed automation forgets whom it was watching: a second worker's start would hide the
        # death of the first.
        if AutomationCore.model_validate(found.model_dump()) != automation:
            client.update_automation(found.id, automation)
