"""What tests share: the study's own parameters, a tiny study that is done, one thread a process."""

import os
import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from pipeline.dotted_keys import merge
from pipeline.params import Params, load, parse

ROOT = Path(__file__).parents[1]

os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
# Where a user's shell records, or which reproduction it is in, is none of a test's business.
for _name in (
    "DVC_ROOT", "DVC_EXP_NAME", "STUDY_REPRODUCTION", "IMAGE_SENTIMENT_TRACKING",
    "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "PREFECT_API_URL", "STUDY_GIT_REMOTE",
):  # fmt: skip
    os.environ.pop(_name, None)
# Before torch is imported: results depend on the number of threads; workers share the cores.
os.environ["OMP_NUM_THREADS"] = "1"
# On a GPU the bits are not promised.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# An example may be slow on a machine that is busy; what hangs, CI ends.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")

WORKER = os.environ.get("PYTEST_XDIST_WORKER")

LONGEST_FIRST = (
    "test_workers", "test_same_twice", "test_faults", "test_flow", "test_experiments", "test_study",
    "test_record", "test_extending", "test_remote_experiments", "test_compute_slot", "test_made_by",
    "test_explain_command", "test_security", "test_sanity",
)  # fmt: skip
"""Modules that take minutes start first: workers then end at about the same time."""


def pytest_configure(config: pytest.Config) -> None:
    """Each process of tests has temporary files of its own, and so a compute slot of its own."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # `tmp_path` stays there
    tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix=f"{WORKER or 'tests'}-")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where tests of the study are left out, a module of nothing else is not even imported."""
    left_out = "not study" in str(config.option.markexpr) and collection_path.suffix == ".py"
    mark = "\npytestmark = pytest.mark.study\n"
    return True if left_out and mark in collection_path.read_text("utf-8") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def params() -> Params:
    """params.yaml as it is committed."""
    return load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def changed(params):
    """Parameters like these but for some settings: `changed(train={"cnn": {"epochs": 1}})`."""
    return lambda **sections: parse(merge(params.model_dump(), sections))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def faces(rng):
    """Three of grey noise."""
    return rng.integers(0, 256, (3, 48, 48), dtype=np.uint8)


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def bomb(tmp_path):
    """A hostile object; at the end of the test nobody has unpickled it."""
    path = tmp_path / "ran"
    yield Bomb(path)
    assert not path.exists()
    pickle.loads(pickle.dumps(Bomb(path)))  # noqa: S301 (it would have worked)
    assert path.exists()


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A tiny study that is done, for all tests of the session, and copies of it."""
    from .project import Finished

    own = tmp_path_factory.getbasetemp()
    return Finished(own.parent if WORKER else own)
