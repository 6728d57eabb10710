"""No stage waits for a library that it does not use, and dvc.yaml names the code of each."""

import shutil
from graphlib import TopologicalSorter

import pytest
import yaml

from . import imports
from .conftest import ROOT
from .imports import (
    STAGES,
    WITHOUT_NETWORK,
    listed_code,
    missing_and_idle,
    modules_loaded,
    needless,
)  # fmt: skip


@pytest.mark.study
@pytest.mark.parametrize("kind", ["without a network", "with one"])
def test_a_stage_loads_no_slow_library_that_it_does_not_use(kind):
    """One interpreter loads all stages of a kind: starting it is what takes time."""
    stages = [each for each in STAGES if (each in WITHOUT_NETWORK) == (kind == "without a network")]
    loaded = modules_loaded(f"import {', '.join(f'pipeline.{each}.stage' for each in stages)}")
    for stage in stages:
        assert f"pipeline.{stage}.stage" in loaded
        assert not needless(stage, loaded), stage
    # What Python really loads is among what the source says that it may.
    said = {
        file
        for each in stages
        for file in imports.imported(f"pipeline/{each}/stage.py", ROOT)
    }  # fmt: skip
    files = {name.replace(".", "/") for name in loaded if name.startswith("pipeline.")}
    modules = {f"{file}.py" for file in files if (ROOT / f"{file}.py").is_file()}
    assert len(modules) > 20
    assert modules <= said


def test_no_import_runs_in_a_circle_or_to_a_later_stage():
    """`prepare` raises CycleError, which names the circle."""
    imported = imports.modules(ROOT)
    assert "pipeline/networks/networks.py" in imported["pipeline/networks/classifier.py"]
    TopologicalSorter(imported).prepare()
    rooms = imports.rooms(imported)
    TopologicalSorter(rooms).prepare()
    for place, stage in enumerate(STAGES):
        later = {f"pipeline/{other}" for other in STAGES[place + 1 :]}
        assert not rooms[f"pipeline/{stage}"] & later, stage
    stages = {f"pipeline/{stage}" for stage in STAGES}
    for shared in imports.SHARED:
        assert not rooms[f"pipeline/{shared}"] & stages, shared
    below = set[str]().union(*(rooms[room] for room in rooms if room.startswith("pipeline/")))
    assert not {room for room in rooms if room.startswith("flows/")} & below


def test_shells_are_thin():
    sizes = {
        stage: len((ROOT / f"pipeline/{stage}/stage.py").read_text().splitlines())
        for stage in STAGES
    }
    assert {stage: lines for stage, lines in sizes.items() if lines > 80} == {}


def test_dvc_yaml_names_all_code_that_decides_a_stages_results_and_no_other():
    for stage in STAGES:
        missing, idle = missing_and_idle(imports.deciding(stage, ROOT), listed_code(stage))
        assert not missing, f"dvc.yaml, {stage}: missing are {', '.join(missing)}"
        assert not idle, f"dvc.yaml, {stage}: nothing is imported of {', '.join(idle)}"


def test_a_new_import_is_missing_and_one_that_went_is_idle(tmp_path):
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline")
    module = tmp_path / "pipeline/faces/masks.py"  # which train imports by way of two others
    module.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from pipeline.ingest.parts import part_of\n"
        "else:\n    import pipeline.faces.regions\n"
        "def later():\n    from ..ingest import rows\n    from ..sample.drawing import people\n"
    )
    (tmp_path / "pipeline/files.py").write_text('"""Nothing."""\n')
    missing, idle = missing_and_idle(imports.deciding("train", tmp_path), listed_code("train"))
    names = ("labels", "parts", "pixels", "rows", "votes")
    ingest = {f"pipeline/ingest/{name}.py" for name in names}
    assert {*missing} == {*ingest, "pipeline/sample/drawing/people.py"}
    assert idle == ["pipeline/files.py"]


def test_what_decides_no_result_is_no_reason_to_work_again():
    code = {stage: "\n".join(imports.deciding(stage, ROOT)) for stage in STAGES}
    assert not [stage for stage in STAGES if "pipeline/record" in code[stage]]
    drawing = {stage for stage in STAGES if "pipeline/figures" in code[stage]}
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    keeping = {stage for stage, entry in stages.items() if "/figures" in str(entry.get("outs"))}
    assert {"ingest", "confusion", "saliency"} <= keeping
    assert drawing == {*keeping, "report"} - {*imports.TRAININGS}
    assert "semisupervised" not in code["train"]  # nor does its checkpoint depend on the other's
    assert "pipeline/train/stage.py" not in code["semisupervised"]
    for place in {**imports.NEUTRAL, **imports.NEUTRAL_IN_TRAININGS}:
        assert (ROOT / place).exists(), place
