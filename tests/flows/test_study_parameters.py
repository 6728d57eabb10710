"""What a flow run of the study may be asked for."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.study_parameters import plan_study, to_seconds
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
        plan_study(tmp_path, **parameters, otherwise="a-run")


def test_a_limit_in_which_nothing_could_end_is_a_mistake() -> None:
    with pytest.raises(UserError, match="hours_a_stage = 0: should be more than 0"):
        to_seconds(0)
