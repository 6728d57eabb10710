"""Secrets come from the environment and are written nowhere."""

import logging
import socket
import sys
from pathlib import Path

import pytest

from pipeline.record.__main__ import WithoutSecrets
from pipeline.record.address import find_address, without_secrets

from .study import kill_recorders, new_study, until

SECRET, TOKEN = "hunter2-in-an-address", "hunter2-in-the-environment"


def search(folder, said=""):
    """Names of all files that were written; none holds a secret, nor does what was said."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for secret in (SECRET, TOKEN):
        assert secret not in said
        for path in paths:
            assert secret.encode() not in path.read_bytes(), path
    return {path.name for path in paths}


@pytest.mark.study
def test_secrets_of_the_environment_are_written_nowhere(tmp_path):
    """Stages record to a server that is away, and one fails and says why; then all is searched."""
    study = new_study(tmp_path / "a study")
    spool = study.folder / ".record"
    study.environment |= {
        "MLFLOW_TRACKING_TOKEN": TOKEN, "AWS_SECRET_ACCESS_KEY": TOKEN, "DATABASE_PASSWORD": TOKEN,
    }  # fmt: skip
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        closed = f"127.0.0.1:{taken.getsockname()[1]}"
        whole = f"http://somebody:{SECRET}@{closed}"
        try:
            # MLflow repeats an address that it does not understand in its error.
            for stage, address in (("good", whole), ("bad", f"gopher://somebody:{SECRET}@host")):
                where = {"MLFLOW_TRACKING_URI": address, "ADDRESS": whole}
                study.start("stage.py", stage, **where).communicate(timeout=60)
            until(lambda: len(list(spool.glob("trouble-*"))) == 2)
            said = study.run("python", "-m", "pipeline.record", "status")
            assert f"http://{closed}" in said
            assert {"run.json", "recorder.log"} <= search(study.folder, said)
            assert "gopher://host" in (spool / "recorder.log").read_text()
            # Back on a record of its own: the password is gone, and everything arrives in MLflow.
            said = study.run("python", "-m", "pipeline.record", "wait")
        finally:
            kill_recorders(study.folder)
    assert "record: all in sqlite" in said
    assert study.named("bad").data.tags["error"] == f"ValueError: no faces http://{closed}"
    assert study.named("good").info.status == "FINISHED"
    assert "mlflow.db" in search(study.folder, said)


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
