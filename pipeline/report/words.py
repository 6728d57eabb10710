"""What the results were made with: code, packages, parameters."""

import hashlib
from pathlib import Path

from pipeline.dotted_keys import flatten
from pipeline.params import Params
from pipeline.record.made_by import versions as versions


def code_md5(package: Path = Path(__file__).parents[1]) -> str:
    """MD5 sum over the names and contents of a package's Python files."""
    digest = hashlib.md5(usedforsecurity=False)
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def parameter_rows(params: Params) -> list[tuple[str, str]]:
    """Every parameter, by its dotted name."""
    return [(name, _plain(value)) for name, value in flatten(params.model_dump()).items()]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
