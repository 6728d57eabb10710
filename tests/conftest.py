"""What tests share: the study's own parameters, and a record that stays out of the project."""

import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.params import Params, load

ROOT = Path(__file__).parents[1]

os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")


@pytest.fixture(scope="session")
def params() -> Params:
    """params.yaml as it is committed."""
    return load(ROOT / "params.yaml")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
