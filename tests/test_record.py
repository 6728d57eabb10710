"""The record when two write to it at once, and what MLflow's own pages look for in it."""

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from pipeline import disk
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.store import save_classifier
from pipeline.tracking import declaration, parents
from pipeline.tracking.journal import stage_run
from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Desk, find_address
from pipeline.tracking.processes import this_process
from pipeline.tracking.reader import read_journals
from pipeline.tracking.reproduction import Reproduction
from pipeline.tracking.shipping import Shipper
from pipeline.tracking.store import KIND, connect

from .conftest import ROOT

PATIENCE = 1.0
"""Seconds that one writer gets to come between what another reads and what it writes."""


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_what_the_recorder_notes_does_not_undo_what_the_flow_says_meanwhile(desk, monkeypatch):
    declaration.declare(desk, "key", "the flow")
    end = threading.Thread(target=declaration.declare_end, args=(desk, "key", "FINISHED"))
    write_text = disk.write_text

    def write_late(path, text):
        monkeypatch.setattr(disk, "write_text", write_text)
        end.start()  # the note is read by now, and not yet written
        end.join(PATIENCE)
        write_text(path, text)

    monkeypatch.setattr(disk, "write_text", write_late)
    declaration.note(desk, "key", gate="takes it")
    end.join()
    found = declaration.find(desk, "key")
    assert (found.status, found.notes) == ("FINISHED", {"gate": "takes it"})


FLOW = """
import sys
from pathlib import Path
from pipeline.tracking import declaration
from pipeline.tracking.places import Desk

desk = Desk(Path(sys.argv[1]))
declaration.declare(desk, "key", "the flow")
print("declared", flush=True)
sys.stdin.readline()
declaration.declare_end(desk, "key", "FINISHED")
"""


@pytest.mark.parametrize("again", [False, True])
def test_a_flow_that_ends_while_the_recorder_looks_was_not_killed(desk, monkeypatch, again):
    with subprocess.Popen(
        [sys.executable, "-c", FLOW, str(desk.root)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as flow:  # fmt: skip
        assert flow.stdout.readline() == "declared\n"
        declared = declaration.find(desk, "key").flow
        # Where a flow is tried again, the parent run may still watch the process of the first try.
        watch = replace(this_process(), created=0.0) if again else declared
        opened = Parents(desk, find_address(desk.root))
        opened.open(Reproduction("key", "the flow", watch))
        assert not list(opened.over(busy=()))
        find = declaration.find

        def find_and_let_end(*where):
            monkeypatch.setattr(declaration, "find", find)
            said = find(*where)
            flow.communicate("end\n", timeout=60)
            return said

        monkeypatch.setattr(parents.declaration, "find", find_and_let_end)
        ended = [(key, status) for key, status, _ in opened.over(busy=())]
        assert ended in ([], [("key", "FINISHED")])
        assert [status for _, status, _ in opened.over(busy=())] == ["FINISHED"]


def test_a_reproduction_that_began_anew_is_not_forgotten_with_its_former_end(desk):
    address = find_address(desk.root)
    declaration.declare(desk, "key", "the flow")
    Parents(desk, address).open(Reproduction("key", "the flow", this_process()))
    declaration.declare_end(desk, "key", "FAILED")
    assert list(Parents(desk, address).over(busy=()))
    declaration.declare(desk, "key", "the flow")  # while the recorder closes the parent run
    Parents(desk, address).drop("key")
    assert declaration.find(desk, "key").status is None


@pytest.mark.study
def test_mlflows_pages_know_the_kind_user_source_and_the_models_own_metrics(desk, monkeypatch):
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "STUDY_REPRODUCTION", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "faces")  # as every recorder has it
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setattr(sys, "argv", [str(desk.root / "stages/evaluate.py")])
    monkeypatch.chdir(desk.root)
    (desk.root / "dvc.yaml").touch()
    address = find_address(desk.root)
    client = connect(address, desk.root).client

    def kind():
        return client.get_experiment_by_name(address.experiment).tags.get(KIND)

    assert kind() == "custom_model_development"
    identity = client.get_experiment_by_name(address.experiment).experiment_id
    client.delete_experiment_tag(identity, KIND)  # made by an older version of the study
    store = connect(address, desk.root)
    assert kind() == "custom_model_development"
    client.set_experiment_tag(identity, KIND, "genai_development")  # somebody's own choice
    connect(address, desk.root)
    assert kind() == "genai_development"

    network = Classifier(Architecture("small-dnn", "own", "scale"))
    save_classifier(network, desk.root / "cnn", trained_on={})
    faces = np.zeros((2, 1, 48, 48), np.float32)
    with FileLock(desk.lock(address)):  # the recorder is this process
        with stage_run("evaluate", {}) as journal:
            journal.metrics({"cnn.accuracy": 0.7, "cnn.loss": 1.0})
            journal.model("cnn", example=faces, accuracy=0.6, interval=(0.5, 0.7), measured_on="x")
        (written,) = read_journals(desk)
        assert Shipper(store, desk, address).ship(written)

    runs = {run.info.run_id: run.data.tags for run in client.search_runs([identity])}
    (model,) = client.search_logged_models([identity])
    stage = runs.pop(model.source_run_id)
    (parent,) = runs.values()
    assert stage["mlflow.source.name"] == "stages/evaluate.py"
    assert parent["mlflow.source.name"] == "dvc.yaml"
    for tags in (stage, parent):
        assert (tags["mlflow.user"], tags["mlflow.source.type"]) == ("somebody", "LOCAL")
    assert {metric.key: metric.value for metric in model.metrics} == {
        "cnn.accuracy": 0.7,
        "cnn.loss": 1.0,
    }
