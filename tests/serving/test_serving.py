"""A model that is served: pictures in, the command's answers out, and 400 with a line otherwise."""

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import httpx
import mlflow
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlflow.pyfunc import scoring_server

from pipeline.export import main as export
from pipeline.predict.__main__ import main as predict

from ..conftest import ROOT
from ..detection.photos import PHOTO, photo
from ..predict.model import save_model
from ..project import free_port, wait_for

pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network with random weights."""
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    """It as an MLflow model."""
    folder = tmp_path_factory.mktemp("served") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        shutil.copy(ROOT / "params.yaml", folder.parent)
        assert export([str(model), str(folder)]) == 0
        with pytest.raises(SystemExit, match="1"):
            export([str(model), str(folder)])  # is there already
    return folder


@pytest.fixture(scope="module")
def post(served):
    """What MLflow's server answers to a request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        app = scoring_server.init(mlflow.pyfunc.load_model(str(served)))
    client = TestClient(app)
    return lambda request: client.post("/invocations", json=request)


def encoded(content):
    return base64.b64encode(content).decode()


def split(*pictures, column="picture"):
    return {"dataframe_split": {"columns": [column], "data": [[each] for each in pictures]}}


ASTRONAUT = encoded(PHOTO.read_bytes())


@pytest.fixture
def commanded(model, tmp_path, monkeypatch, capsys):
    """What the command answers of the faces in a file."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)

    def ask(*words):
        assert predict(["--model", str(model), "--json", *map(str, words)]) == 0
        return json.loads(capsys.readouterr().out)["faces"]

    return ask


def test_pictures_get_the_answers_of_the_command(post, commanded):
    small = io.BytesIO()
    photo(256).save(small, "JPEG")
    answer = post(split(ASTRONAUT, encoded(small.getvalue())))
    assert answer.status_code == 200
    first, second = answer.json()["predictions"]
    assert first["faces"] == commanded(PHOTO)
    assert first["faces"][0]["box"]["side"] > second["faces"][0]["box"]["side"]
    for form in (
        {"inputs": {"picture": [ASTRONAUT]}},
        {"inputs": [{"picture": ASTRONAUT}]},
        {"dataframe_records": [{"picture": ASTRONAUT}]},
    ):
        assert post(form).json()["predictions"] == [first]
    whole = post(split(ASTRONAUT) | {"params": {"face": True}})
    assert whole.json()["predictions"][0]["faces"] == commanded(PHOTO, "--face")


def test_bytes_are_taken_as_well_as_base64(served):
    loaded = mlflow.pyfunc.load_model(str(served))
    as_bytes, as_text = (
        loaded.predict(pd.DataFrame({"picture": [each]}))
        for each in (PHOTO.read_bytes(), ASTRONAUT)
    )
    assert as_bytes == as_text != [{"faces": []}]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (split(ASTRONAUT, column="photo"), "there is no column 'picture'; send {"),
        (split(3), "picture 1: int is neither base64 nor bytes; send {"),
        (split(None), "picture 1: NoneType is neither"),
        (split([[1, 2], [3, 4]]), "picture 1: list is neither"),
        (split(ASTRONAUT, "!"), "picture 2: not base64; send {"),
        (split(encoded(b"hello")), "picture 1: cannot be read: no picture of a kind that is read"),
        (split(encoded(PHOTO.read_bytes()[:999])), "picture 1: cannot be read: "),
        ({"inputs": [[1.0, 2.0]]}, "there is no column 'picture'|picture 1: float is neither"),
    ],
)
def test_what_is_no_picture_is_400_and_one_line(post, request_, says):
    answer = post(request_)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert any(message.startswith(each) for each in says.split("|")), message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("request_", [{}, [1], {"pictures": [ASTRONAUT]}])
def test_what_is_no_request_is_400(post, request_):
    assert post(request_).status_code == 400


@pytest.mark.nightly
def test_mlflow_serves_it_without_this_project_on_the_path(served, tmp_path, commanded):
    port = str(free_port())
    command = [
        sys.executable, "-P", "-m", "mlflow", "models", "serve", "--model-uri", str(served),
        "--env-manager", "local", "--port", port,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lambda: answers(f"{address}/ping"))
            answer = httpx.post(f"{address}/invocations", json=split(ASTRONAUT), timeout=60)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    assert answer.json()["predictions"] == [{"faces": commanded(PHOTO)}]


def answers(address):
    with suppress(httpx.TransportError):
        return httpx.get(address).is_success
    return False
