"""No stage waits for a library that it does not use."""

import pytest
import yaml

from .conftest import ROOT
from .imports import STAGES, modules_loaded, needless


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_loads_no_slow_library_that_it_does_not_use(stage):
    loaded = modules_loaded(f"import pipeline.stages.{stage}")
    assert f"pipeline.stages.{stage}" in loaded
    assert not needless(stage, loaded)


def test_every_stage_is_asked():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(stages) == set(STAGES)
