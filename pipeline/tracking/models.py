"""A trained classifier as an MLflow model: served, registered, the best one marked."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.tracking.store import Store

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
"""Tags of a version: the journal's event it is from, how good it is (with the ends of its 95 %
interval), on which faces, and whether it took the alias, and why."""

logger = logging.getLogger(__name__)


def load_module(folder: Path) -> "torch.nn.Module":
    """Rebuild a classifier of the study; grey levels (N, 1, 48, 48) in, logits (N, 7) out."""
    from pipeline.networks.store import load_classifier

    return load_classifier(folder)


def register(
    store: Store,
    module: "torch.nn.Module",
    example: "NDArray[Any]",
    *,
    run: str,
    name: str,
    accuracy: float,
    interval: tuple[float, float],
    measured_on: str,
    event: str,
) -> str:
    """Log a module as a model of a run and register it; nothing happens the second time.

    It is kept as an exported graph (torch.export), so that loading it runs none of its author's
    code and needs none of this project's.

    Args:
        store: Which MLflow.
        module: Float32 grey levels (N, 1, 48, 48) in, logits (N, 7) out, any N.
        example: Some such faces.
        run: The MLflow run.
        name: The registered model.
        accuracy: 0..1; see `judge`.
        interval: Its ends, 95 %.
        measured_on: Digest of the faces that gave the accuracy.
        event: Tells this call from all others.

    Returns:
        Whether it took the alias `best`, and why, in a sentence.
    """
    import mlflow.pytorch

    client = store.client
    for known in _versions_of_run(client, name, run):
        if known.tags.get(EVENT) == event and GATE in known.tags:
            return str(known.tags[GATE])
    signature, faces = _signature(module, example)
    logged = mlflow.pytorch.log_model(
        module,
        name="model",
        run_id=run,
        signature=signature,
        input_example=faces,
        serialization_format="pt2",  # MLflow's default depends on where it runs; never a pickle
        # Spelt out: working them out takes MLflow ten seconds.
        pip_requirements=_requirements(),
        registered_model_name=name,
    )
    version = str(logged.registered_model_version)
    candidate = Measured(version, accuracy, *interval, measured_on)
    passes, verdict = judge(candidate, _champion(client, name))
    tags = {
        EVENT: event, ACCURACY: repr(accuracy), LOW: repr(interval[0]), HIGH: repr(interval[1]),
        MEASURED_ON: measured_on,
    }  # fmt: skip
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
    if passes:  # only now: who holds the alias has all that the next one is judged by
        client.set_registered_model_alias(name, BEST, version)
    client.set_model_version_tag(name, version, GATE, verdict)
    logger.info("registered %s: %s", name, verdict)
    return verdict


@dataclass(frozen=True)
class Measured:
    """A version and how good it is: accuracy with the ends of its interval, and on which faces."""

    version: str
    accuracy: float
    low: float
    high: float
    measured_on: str

    def __str__(self) -> str:
        shares = f"{self.accuracy:.1%} ({self.low:.1%} to {self.high:.1%})"
        return f"version {self.version}, {shares}"


def judge(candidate: Measured, champion: Measured | None) -> tuple[bool, str]:
    """Whether a new model takes the alias from the version that holds it, and why.

    On the same faces the higher accuracy wins, among equals the newest. Accuracies on other faces
    do not compare that closely: there a new model takes the alias unless its accuracy lies below
    the interval of the one that holds it.
    """
    if champion is None:
        return True, f"takes the alias {BEST}: {candidate}, the first"
    against = f"{candidate}, against {champion}"
    if candidate.measured_on != champion.measured_on:
        if candidate.accuracy < champion.low:
            how = "worse beyond its interval, on other faces"
            return False, f"does not take the alias {BEST}: {how}: {against}"
        return True, f"takes the alias {BEST}: measured on other faces: {against}"
    if candidate.accuracy >= champion.accuracy:
        return True, f"takes the alias {BEST}: {against}"
    how = "worse beyond its interval" if candidate.accuracy < champion.low else "not better"
    return False, f"does not take the alias {BEST}: {how}: {against}"


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
        return Measured(str(holder.version), accuracy, low, high, tags[MEASURED_ON])
    except (KeyError, ValueError):  # set by hand: nothing to judge by
        return None
