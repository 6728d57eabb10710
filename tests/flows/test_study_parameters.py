"""What a flow run of the study may be asked for."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError

from flows.grid import grid
from flows.study import study
from flows.study_parameters import plan_study
from pipeline.errors import UserError

from ..conftest import ROOT


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"overrides": {"train.cnn.epoch": 3}}, "train.cnn.epoch is not known"),
        ({"overrides": {"train..epochs": 3}}, "overrides: 'train..epochs': not a parameter"),
        ({"source": "nowhere"}, "'nowhere': no such file or folder"),
        ({"targets": ["evalate"]}, "stage 'evalate' is not in dvc.yaml"),
        ({"recipe": "r9"}, "recipe 'r9' is not known"),
        ({"experiment": "two words"}, "experiment 'two words': not a name"),
    ],
)
def test_every_mistake_is_found_while_a_run_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], message: str
) -> None:
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text("stages: {evaluate: {cmd: ls}}")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with pytest.raises(UserError, match=message):
        plan_study(**parameters, otherwise="a-run")


@pytest.mark.parametrize("flow", [study, grid])
def test_a_limit_in_which_nothing_could_end_is_a_mistake(flow: Flow[..., Any]) -> None:
    """Prefect's page and its server know the bound by the schema, and the flow run by itself."""
    schema = flow.parameters.properties["hours_a_stage"]
    assert (schema["type"], schema["exclusiveMinimum"], schema["default"]) == ("number", 0, 24)
    for hours in (0, float("inf"), float("nan")):
        with pytest.raises(ParameterTypeError, match="hours_a_stage"):
            flow.validate_parameters({"hours_a_stage": hours})
