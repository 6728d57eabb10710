"""Faces that lie in the project and not in DVC's copy of it are missed by name."""

import re
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.ingest.experiment_copy import check_faces


def test_faces_that_a_copy_lacks_are_named_with_a_path_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / ".dvc" / "tmp" / "exps" / "tmp1"
    for project in (tmp_path, copy):
        (project / "data" / "raw").mkdir(parents=True)
        (project / "data" / "raw" / "README.md").touch()
    faces = tmp_path / "data" / "raw" / "fer2013.csv"
    faces.touch()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    check_faces("data/raw")
    monkeypatch.chdir(copy)
    check_faces("data/sample")
    with pytest.raises(UserError, match=r"'data/raw': fer2013\.csv is not in the copy") as caught:
        check_faces("data/raw")
    advised = re.search(r"-S \"data\.source='(.*)'\"", str(caught.value))
    assert advised
    assert advised[1] == str(faces.parent)
    check_faces(advised[1])
    faces.unlink()
    check_faces("data/raw")  # nothing is there that the copy could lack
