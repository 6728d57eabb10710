"""A trained classifier in the registry of an MLflow: the best one is marked."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.record.mlflow_store import Store
from pipeline.statistics.champion import Measured, judge

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

NO_HOLDER = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow says if no version has an alias, depending on where it keeps its registry."""

BEST = "best"
"""The alias of the version with the highest accuracy."""

EVENT, ACCURACY, LOW, HIGH, MEASURED_ON, GATE = (
    "study.event", "accuracy", "accuracy_low", "accuracy_high", "measured_on", "gate",
)  # fmt: skip
"""Tags of a version: what it was registered for, how good it is (with the ends of its 95 %
interval), on which faces, and whether it took the alias, and why."""

ABOUT = """\
Takes cropped faces, grey levels 0 to 255, and gives logits. To have photos answered: \
`python -m pipeline.export models:/{name}/{version} FOLDER`, then \
`mlflow models serve -m FOLDER --env-manager local`."""
"""What the version's page in MLflow says."""

logger = logging.getLogger(__name__)


def register(
    store: Store, folder: Path, *, run: str, name: str, measured: Measured, event: str
) -> str:
    """Log a classifier as a model of a run and register it; nothing happens the second time.

    It is kept as an exported graph (torch.export), so that loading it runs none of its author's
    code and needs none of this project's.

    Args:
        store: which MLflow.
        folder: as written by `pipeline.networks.store.save_classifier`.
        run: the MLflow run.
        name: the registered model.
        measured: see `pipeline.statistics.champion.judge`.
        event: distinguishes this call from all others.

    Returns:
        Whether it took the alias `best`, and why, in a sentence.
    """
    import mlflow.pytorch

    from pipeline.networks.store import load_classifier

    client = store.client
    for known in client.search_model_versions(f"name = '{name}' and run_id = '{run}'"):
        if known.tags.get(EVENT) == event and GATE in known.tags:
            return str(known.tags[GATE])
    module = load_classifier(folder)
    signature, faces = _signature(module)
    logged = mlflow.pytorch.log_model(
        module,
        name="model",
        run_id=run,
        signature=signature,
        input_example=faces,
        serialization_format="pt2",  # MLflow's default depends on where it runs; never a pickle
        # Spelt out: working them out takes MLflow ten seconds.
        pip_requirements=pinned("torch", "numpy"),
        registered_model_name=name,
    )
    number = str(logged.registered_model_version)
    passes, verdict = take_alias(measured._replace(version=number), _champion(client, name))
    tags = {
        EVENT: event, ACCURACY: repr(measured.accuracy), LOW: repr(measured.low),
        HIGH: repr(measured.high), MEASURED_ON: measured.measured_on,
    }  # fmt: skip
    client.update_model_version(name, number, ABOUT.format(name=name, version=number))
    for key, value in tags.items():
        client.set_model_version_tag(name, number, key, value)
    if passes:  # only now: who holds the alias has all that the next one is judged by
        client.set_registered_model_alias(name, BEST, number)
    client.set_model_version_tag(name, number, GATE, verdict)
    logger.info("registered %s: %s", name, verdict)
    return verdict


def pinned(*packages: str) -> list[str]:
    """What a model needs; a local build such as 2.13.0+cpu is in no package index."""
    return [f"{package}=={version(package).partition('+')[0]}" for package in packages]


def take_alias(candidate: Measured, champion: Measured | None) -> tuple[bool, str]:
    """Whether a new model takes the alias from the version that holds it, and why."""
    if champion is None:
        return True, f"takes the alias {BEST}: {candidate}, the first"
    passes, against = judge(candidate, champion)
    verb = "takes" if passes else "does not take"
    how = f"{against}: " if against else ""
    return passes, f"{verb} the alias {BEST}: {how}{candidate}, against {champion}"


def _signature(module: "torch.nn.Module") -> tuple[Any, "NDArray[Any]"]:
    """The model's signature for any number of faces, and the grey ramps it is exported with."""
    import numpy as np
    import torch
    from mlflow.models import infer_signature

    from pipeline.faces.expressions import SIDE

    torch.set_num_threads(1)  # others are at work on this machine
    # Two of them: torch.export would take the number of one face for a constant.
    faces = np.linspace(0, 255, 2 * SIDE * SIDE, dtype=np.float32).reshape(2, 1, SIDE, SIDE)
    with torch.inference_mode():
        logits = module(torch.from_numpy(faces)).numpy()
    return infer_signature(faces, logits), faces


def _champion(client: Any, name: str) -> Measured | None:
    from mlflow.exceptions import MlflowException

    try:
        holder = client.get_model_version_by_alias(name, BEST)
    except MlflowException as error:
        if error.error_code not in NO_HOLDER:
            raise  # a server that is away is no reason to depose the champion
        return None
    tags = holder.tags
    try:
        accuracy = float(tags[ACCURACY])
        low, high = (float(tags.get(end, accuracy)) for end in (LOW, HIGH))
        return Measured(accuracy, low, high, tags[MEASURED_ON], str(holder.version))
    except (KeyError, ValueError):  # set by hand: nothing to judge by
        return None
