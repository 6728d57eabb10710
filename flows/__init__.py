"""When and where DVC's stages run: the study as a Prefect flow.

DVC alone knows what is up to date, and MLflow what was measured; nothing here decides either.

Prefect and DVC read these settings while they are imported, so they are made here, before any
module of the package is. Whatever the user has set stays.
"""

import os

HOME = "STUDY_HOME"
"""Environment variable: the clone that a worker's flow runs work in; `prefect.yaml` reads it."""

HEARTBEATS = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
"""Environment variable: seconds from one to the next; Prefect allows 30 at least."""

for _name, _value in {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Without PREFECT_API_URL the flow brings a server of its own: on a busy machine that takes
    # longer than the 20 seconds that Prefect allows.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    # A run that falls silent is marked Crashed (automations.yaml); without this it says nothing.
    HEARTBEATS: "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}.items():
    os.environ.setdefault(_name, _value)
