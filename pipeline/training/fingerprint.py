"""Which training a checkpoint belongs to."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from pipeline.errors import UserError

_CODE = ("data/augment.py", "data/expressions.py", "data/mix.py", "data/split.py",
         "data/squares.py", "models", "stages/train.py", "stages/semisupervised.py",
         "training")  # fmt: skip
"""What decides, together with data and parameters, how weights change in an epoch."""


def fingerprint(settings: BaseModel, files: Sequence[Path], also: str = "") -> str:
    """A hash of parameters, files and code: a training goes on only from its own checkpoint.

    Args:
        settings: the parameters of the training.
        files: the data.
        also: what else decides it.

    Raises:
        UserError: a file is missing.
    """
    digest = hashlib.md5((settings.model_dump_json() + also).encode(), usedforsecurity=False)
    package = Path(__file__).parents[1]
    sources = [path for part in _CODE for path in _python_files(package / part)]
    for path in [*files, *sources]:
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "md5").digest())
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; `dvc repro` runs the stages before") from None
    return digest.hexdigest()


def _python_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]
