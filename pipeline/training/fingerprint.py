"""Which training a checkpoint belongs to."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from pipeline.errors import UserError
from pipeline.imports import TRAININGS, deciding


def fingerprint(
    settings: BaseModel, files: Sequence[Path], also: str = "", stages: Sequence[str] = TRAININGS
) -> str:
    """A hash of parameters, files and code: a training goes on only from its own checkpoint.

    Args:
        settings: the parameters of the training.
        files: the data.
        also: what else decides it.
        stages: whose code trains; it is the code that DVC asks whether to train again.

    Raises:
        UserError: a file is missing.
    """
    digest = hashlib.md5((settings.model_dump_json() + also).encode(), usedforsecurity=False)
    root = Path(__file__).parents[2]
    code = sorted(set[str]().union(*(deciding(stage, root) for stage in stages)))
    for path in [*files, *(root / file for file in code)]:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "md5").digest())
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None
    return digest.hexdigest()
