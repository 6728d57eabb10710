"""The study's own weights out of an MLflow, by the address of a model or of a run."""

import re
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.layout import CALIBRATION
from pipeline.record.address import find_address, find_root, one_line
from pipeline.record.mlflow_store import connect, database_of
from pipeline.record.spool import CLASSIFIER

FORMS = "models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN_ID"

_ADDRESS = re.compile(
    r"runs:/(?P<run>[^/@]+)|models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))"
)


def is_address(text: str) -> bool:
    """Whether a text is meant as an address in MLflow, though it may be a wrong one."""
    return text.startswith(("models:", "runs:"))


def fetch_classifier(text: str, folder: Path) -> Path:
    """Download a classifier from the MLflow that the environment names.

    Args:
        text: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/RUN_ID`.
        folder: where to; exists.

    Returns:
        The folder in it that `pipeline.networks.store.load_classifier` reads.

    Raises:
        UserError: the address is none, leads nowhere or to a run without weights, or MLflow does
            not answer.
    """
    address = _ADDRESS.fullmatch(text)
    if not address:
        raise UserError(f"{text}: not an address in MLflow; allowed: {FORMS}")
    from pipeline.networks.store import DESCRIPTION, WEIGHTS

    root = find_root()
    place = find_address(root)
    database = database_of(place.uri, root)
    if database and not database.is_file():
        # To connect would make the database, and find it empty.
        raise UserError(f"{text}: there is no {place}; the study's stages make it")
    try:
        client = connect(place.private_uri, place.experiment, root).client
        identity = _find_run(client, address)
        # A stage that registers a model keeps its weights in a folder; a training has its own.
        for inside in (CLASSIFIER, ""):
            kept = {Path(file.path).name for file in client.list_artifacts(identity, inside)}
            if {WEIGHTS, DESCRIPTION} <= kept:
                for name in (WEIGHTS, DESCRIPTION):
                    path = f"{inside}/{name}".removeprefix("/")
                    found = Path(client.download_artifacts(identity, path, str(folder))).parent
                # What an evaluation found of the model's temperature belongs beside it.
                if CALIBRATION.name in {file.path for file in client.list_artifacts(identity)}:
                    client.download_artifacts(identity, CALIBRATION.name, str(found))
                return found
    except Exception as error:  # MLflow's own and its stores': whatever it is, there is no model
        raise UserError(f"{text}: not to be had from {place}: {one_line(error)}") from None
    raise UserError(
        f"{text}: run {identity} in {place} keeps no {WEIGHTS} and no {DESCRIPTION}; "
        "finished runs of the stages train@cnn, train@dnn and evaluate do"
    )


def _find_run(client: Any, address: re.Match[str]) -> str:
    """The run that an address means, or that a version of a registered model is from."""
    run, name, alias, version = address.group("run", "name", "alias", "version")
    if alias:
        run = client.get_model_version_by_alias(name, alias).run_id
    elif version:
        run = client.get_model_version(name, version).run_id
    return str(run)
