"""The copy of the project in which DVC runs an experiment with `--temp` or `--queue`.

It holds what git or DVC know, and so not the user's own faces in data/raw, which git ignores. A
recipe (`python -m pipeline.experiments`) names their whole path.
"""

import os
from pathlib import Path

from pipeline import layout
from pipeline.errors import UserError


def check_faces(source: str) -> None:
    """See that this process works in the project itself, or that the copy holds the faces, too.

    Raises:
        UserError: files lie at `data.source` in the project, and not in the copy.
    """
    project = Path(os.environ.get("DVC_ROOT") or ".").resolve()
    if project == Path.cwd() or layout.is_sample(source):
        return
    missing = sorted(_names(project / source) - _names(Path(source)))
    if missing:
        raise UserError(
            f"data.source = {source!r}: {missing[0]} is not in the copy of the project that DVC "
            f"works in with --temp and --queue, which leaves out what git ignores: add "
            f"-S \"data.source='{project / source}'\", or use python -m pipeline.experiments"
        )


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
