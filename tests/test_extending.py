"""A stage is added by one folder, one entry in dvc.yaml and one section in params.yaml."""

import re

import pytest
import yaml

from . import imports
from .conftest import ROOT

pytestmark = pytest.mark.study


def steps():
    """The files and entries that CONTRIBUTING.md tells a reader to write, in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    page = text[text.index("## Add an explanation") : text.index("## Take one away")]
    blocks = re.findall(r"^   ```\w+\n(.*?)^   ```", page, flags=re.M | re.S)
    return [re.sub(r"^   ", "", block, flags=re.M) for block in blocks]


def add_brightness(project):
    stage, params, section, entry = steps()
    folder = project.folder / "pipeline/brightness"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "stage.py").write_text(stage)
    (folder / "params.py").write_text(params)
    project.change(yaml.safe_load(section))
    described = project.folder / "dvc.yaml"
    values = yaml.safe_load(described.read_text())
    values["stages"] |= yaml.safe_load(entry)
    described.write_text(yaml.safe_dump(values, sort_keys=False))
    project.commit("brightness")
    assert len(stage.splitlines()) <= 20


def test_a_stage_of_twenty_lines_is_in_the_report_in_mlflow_and_in_the_flow(finished, tmp_path):
    project = finished.prepare(tmp_path / "clone", upto="report")
    add_brightness(project)
    said = project.run("dvc", "repro")
    ran = set(re.findall(r"Running stage '([^']+)'", said))
    assert ran == {"settings", "brightness", "report"}

    needed = imports.deciding("brightness", project.folder)
    listed = imports.listed_code("brightness", project.folder)
    assert imports.missing_and_idle(needed, listed) == ([], [])

    page = (project.folder / "report/report.html").read_text(encoding="utf-8")
    measured = project.json("artifacts/brightness/metrics.json")["brightness"]
    assert "How bright the faces of each expression are." in page
    assert f"brightness.happy</th><td>{measured['happy']:g}" in page
    assert '<a href="#brightness">Brightness</a>' in page

    project.wait_for_record()
    code = (
        "import mlflow; found = mlflow.search_runs(search_all_experiments=True,"
        " filter_string=\"run_name = 'brightness'\");"
        "print(found.status[0], found['metrics.brightness.happy'][0],"
        " found['params.faces'][0])"
    )
    status, happy, faces = project.run("python", "-c", code).split()[-3:]
    assert (status, float(happy), faces) == ("FINISHED", measured["happy"], "100")

    code = (
        "from pathlib import Path; from pipeline.driver.stage_graph import read_graph;"
        "print(*(stage.name for stage in read_graph(Path.cwd())))"
    )
    assert "brightness" in project.run("python", "-c", code).split()
