"""A trained classifier as an MLflow model: served, registered, the best one marked."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.tracking.store import Store

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

BEST = "best"
"""The alias of the version with the highest accuracy."""

EVENT, ACCURACY, MEASURED_ON = "study.event", "accuracy", "measured_on"
"""Tags of a version: the journal's event it is from, how good it is, and on which faces."""

logger = logging.getLogger(__name__)


def load_module(folder: Path) -> "torch.nn.Module":
    """Rebuild a classifier of the study; grey levels (N, 1, 48, 48) in, logits (N, 7) out."""
    from pipeline.models.store import load_classifier

    return load_classifier(folder)


def register(
    store: Store,
    module: "torch.nn.Module",
    example: "NDArray[Any]",
    *,
    run: str,
    name: str,
    accuracy: float,
    measured_on: str,
    event: str,
) -> None:
    """Log a module as a model of a run and register it; nothing happens the second time.

    It is kept as an exported graph (torch.export), so that loading it runs none of its author's
    code and needs none of this project's.

    Args:
        store: Which MLflow.
        module: Float32 grey levels (N, 1, 48, 48) in, logits (N, 7) out, any N.
        example: Some such faces.
        run: The MLflow run.
        name: The registered model.
        accuracy: 0..1; the alias `best` goes to the highest, among equals to the newest.
        measured_on: Digest of the faces that gave the accuracy. Accuracies on other faces do not
            compare, so a first model on new faces takes the alias.
        event: Tells this call from all others.
    """
    import mlflow.pytorch

    client = store.client
    if any(known.tags.get(EVENT) == event for known in _versions_of_run(client, name, run)):
        return
    signature, faces = _signature(module, example)
    logged = mlflow.pytorch.log_model(
        module,
        name="model",
        run_id=run,
        signature=signature,
        input_example=faces,
        # Spelt out: working them out takes MLflow ten seconds.
        pip_requirements=_requirements(),
        registered_model_name=name,
    )
    version = str(logged.registered_model_version)
    tags = {EVENT: event, ACCURACY: repr(accuracy), MEASURED_ON: measured_on}
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
    if accuracy >= _best_so_far(client, name, measured_on):
        client.set_registered_model_alias(name, BEST, version)
    logger.info("registered %s version %s, accuracy %.4f", name, version, accuracy)


def _signature(module: "torch.nn.Module", example: "NDArray[Any]") -> tuple[Any, "NDArray[Any]"]:
    """The model's signature for any number of faces, and the faces it is exported with."""
    import numpy as np
    import torch
    from mlflow.models import infer_signature

    torch.set_num_threads(1)  # others are at work on this machine
    faces = np.asarray(example, dtype=np.float32)
    if len(faces) == 1:  # torch.export would take the number of faces for a constant
        faces = np.repeat(faces, 2, axis=0)
    with torch.inference_mode():
        logits = module(torch.from_numpy(faces)).numpy()
    return infer_signature(faces, logits), faces


def _requirements() -> list[str]:
    """What serving needs; a local build such as 2.13.0+cpu is in no package index."""
    from importlib.metadata import version

    return [f"{package}=={version(package).partition('+')[0]}" for package in ("torch", "numpy")]


def _versions_of_run(client: Any, name: str, run: str) -> list[Any]:
    return list(client.search_model_versions(f"name = '{name}' and run_id = '{run}'"))


def _best_so_far(client: Any, name: str, measured_on: str) -> float:
    from mlflow.exceptions import MlflowException

    try:
        holder = client.get_model_version_by_alias(name, BEST).tags
        return float(holder[ACCURACY]) if holder[MEASURED_ON] == measured_on else 0.0
    except (MlflowException, KeyError, ValueError):  # no holder, or one set by hand
        return 0.0
