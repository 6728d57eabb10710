"""`.venv/bin/dvc repro` where the shell finds another Python than the study's."""

import subprocess
import sys
from pathlib import Path

import pytest

from .project import clone_project


@pytest.mark.study
def test_another_python_hands_over_to_the_projects_or_says_in_a_line_what_to_do(tmp_path):
    few = {"sample": {"faces": 70, "unlabelled": 5}}
    project = clone_project(tmp_path / "project", few)
    bare = tmp_path / "bare"  # the shell's `python3` has nothing installed
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    project.environment["PATH"] = f"{bare / 'bin'}:/usr/bin:/bin"
    project.environment["IMAGE_SENTIMENT_TRACKING"] = "off"
    del project.environment["PYTHONPATH"]
    dvc = str(Path(sys.executable).parent / "dvc")

    said = project.run(dvc, "repro", "sample", expect=255)
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "/bare/bin/python3 has no captum, pandas, pydantic, torch" in line
    assert "source .venv/bin/activate" in line
    assert "make study" in line

    # One that lacks something does not hand over to itself.
    (project.folder / ".venv").symlink_to(bare)
    said = project.run("python3", "-m", "pipeline", "train", "cnn", expect=1)
    assert said.startswith("error: ")
    assert said.count("\n") == 1

    (project.folder / ".venv").unlink()
    (project.folder / ".venv").symlink_to(sys.prefix)
    project.run(dvc, "repro", "sample")
    assert list((project.folder / "data/sample").iterdir())
