"""What Prefect's server has to know of this project: pools, automations, deployments.

All can be brought to a server any number of times; automations and deployments are in files
(`automations.yaml`, `prefect.yaml`).
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import yaml
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from flows import HEARTBEATS, HOME
from pipeline.errors import UserError

AUTOMATIONS = Path(__file__).with_name("automations.yaml")

POOLS = {
    "gpu": "Flow runs that train. Each worker takes as many as its machine has compute slots.",
    "control": "Flow runs that only wait for others, such as a grid's.",
}


def set_up(root: Path) -> None:
    """Bring pools, automations and deployments to the server.

    Schedules stay switched on or off, as the user has left them.

    Raises:
        UserError: Prefect did not take the deployments.
    """
    with get_client(sync_client=True) as client:
        for name, description in POOLS.items():
            with suppress(ObjectAlreadyExists):
                client.create_work_pool(
                    WorkPoolCreate(
                        name=name,
                        type="process",
                        description=description,
                        base_job_template=ProcessWorker.get_default_base_job_template(),
                    )
                )
        for automation in read_automations():
            _bring_automation(client, automation)
        switched_on = {key for key, schedule in _schedules(client) if schedule.active}
        _deploy(root)
        for key, schedule in _schedules(client):
            if key in switched_on and not schedule.active:
                client.update_deployment_schedule(key[0], schedule.id, active=True)


def read_automations() -> list[AutomationCore]:
    """What the server does by itself; a run may be silent for three heartbeats."""
    silence, *others = yaml.safe_load(AUTOMATIONS.read_text(encoding="utf-8"))
    silence["trigger"]["within"] = 3 * float(os.environ[HEARTBEATS])
    return [AutomationCore.model_validate(each) for each in (silence, *others)]


def _schedules(
    client: SyncPrefectClient,
) -> list[tuple[tuple[UUID, str | None], DeploymentSchedule]]:
    """All schedules, each after its deployment and its name in it."""
    return [
        ((deployment.id, schedule.slug), schedule)
        for deployment in client.read_deployments()
        for schedule in deployment.schedules
    ]


def _deploy(root: Path) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    # Without the variable its place in prefect.yaml stays open: each worker has a clone of its own.
    environment = {name: value for name, value in os.environ.items() if name != HOME}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        raise UserError(f"prefect deploy --all: {said[-1000:]}")


def _bring_automation(client: SyncPrefectClient, automation: AutomationCore) -> None:
    known = client.read_automations_by_name(automation.name)
    if not known:
        client.create_automation(automation)
    # A changed automation forgets whom it was watching: a second worker's start would hide the
    # death of the first.
    elif AutomationCore.model_validate(known[0].model_dump()) != automation:
        client.update_automation(known[0].id, automation)
