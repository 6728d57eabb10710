"""While MLflow is away nothing is lost; secrets of the environment are written nowhere."""

import logging
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from pipeline.record.__main__ import WithoutSecrets
from pipeline.record.address import find_address, without_secrets

from ..project import wait_for
from .study import STAGE, kill_recorders, new_study

SECRET, TOKEN = "hunter2-in-an-address", "hunter2-in-the-environment"


def search(folder, said=""):
    """Names of all files that were written; none holds a secret, nor does what was said."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for secret in (SECRET, TOKEN):
        assert secret not in said
        for path in paths:
            with suppress(FileNotFoundError):  # recorders are at work
                assert secret.encode() not in path.read_bytes(), path
    return {path.name for path in paths}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Stages that recorded to a server that is away; then all goes to another record."""
    study = new_study(tmp_path_factory.mktemp("away") / "a study")
    spool = study.folder / ".record"
    study.environment |= {
        "MLFLOW_TRACKING_TOKEN": TOKEN, "AWS_SECRET_ACCESS_KEY": TOKEN, "DATABASE_PASSWORD": TOKEN,
    }  # fmt: skip
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        study.closed = f"127.0.0.1:{taken.getsockname()[1]}"
        whole = f"http://somebody:{SECRET}@{study.closed}"
        study.environment["ADDRESS"] = whole
        # MLflow repeats an address that it does not understand in its error.
        study.environment["MLFLOW_TRACKING_URI"] = f"gopher://somebody:{SECRET}@host"
        try:
            study.run("python", "stage.py", "bad", expect=1)
            study.environment["MLFLOW_TRACKING_URI"] = whole
            for text in ("first", "second"):
                (study.folder / "stage.py").write_text(STAGE.replace("made by good", text))
                study.run("python", "stage.py", "good")
                shutil.rmtree(study.folder / "artifacts/good")
            # Before the wait, which sends all to the newer address: the first has no trouble then.
            wait_for(lambda: len(list(spool.glob("trouble-*"))) == 2)
            study.late = study.wait_for_record(0.1, expect=1)
            study.said = study.run("python", "-m", "pipeline.record", "status")
            study.left = search(study.folder, study.said)
            del study.environment["MLFLOW_TRACKING_URI"]
            study.said += study.wait_for_record()
        finally:
            kill_recorders(study.folder)
    return study


@pytest.mark.study
def test_nothing_is_lost_while_mlflow_is_away(study):
    assert "not uploaded" in study.late
    assert study.late.count("good") == 2
    assert "record: all in sqlite" in study.said
    runs = {run.info.run_id: run for run in study.runs() if run.info.run_name == "good"}
    assert [run.info.status for run in runs.values()] == ["FINISHED"] * 2
    places = [url2pathname(urlparse(run.info.artifact_uri).path) for run in runs.values()]
    assert {(Path(place) / "good.txt").read_text() for place in places} == {"first", "second"}


@pytest.mark.study
def test_secrets_of_the_environment_are_written_nowhere(study):
    assert f"http://{study.closed}" in study.said
    assert {"run.json", "recorder.log"} <= study.left
    assert "gopher://host" in (study.folder / ".record/recorder.log").read_text()
    assert study.named("bad").data.tags["error"] == f"ValueError: no faces http://{study.closed}"
    assert "mlflow.db" in search(study.folder, study.said + study.late)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("http://a:b@host:1/x", "http://host:1/x"),
        ("postgresql://a:p%40ss@host/db", "postgresql://host/db"),
        ("http://a:p@ss@host", "http://host"),
        ("no http://token@host here", "no http://host here"),
        ("postgresql://h/db?user=u&password=p%40&x=1", "postgresql://h/db?user=u&password=...&x=1"),
        ("https://h/a?access_token=abc and more", "https://h/a?access_token=... and more"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_an_address_is_shown_without_user_and_password(text, public):
    assert without_secrets(text) == public


def test_an_address_gets_its_password_back_from_the_environment_alone(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://a:b@host")
    address = find_address(Path.cwd())
    assert (address.uri, address.private_uri) == ("http://host", "http://a:b@host")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://a:b@elsewhere")
    assert address.private_uri == "http://host"


def test_a_traceback_in_a_log_names_no_password():
    try:
        raise OSError(f"no answer from http://somebody:{SECRET}@host/api")
    except OSError:
        error = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "uploading", (), error)
    line = WithoutSecrets("%(levelname)s %(message)s").format(record)
    assert line.startswith("ERROR uploading\nTraceback")
    assert line.endswith("OSError: no answer from http://host/api")
    assert SECRET not in line.replace("{SECRET}", "")
