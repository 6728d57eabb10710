"""The record: real MLflow in SQLite, real DVC, stages and recorders in processes of their own."""

import errno
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import yaml
from filelock import FileLock

from pipeline import shell
from pipeline.dvc_yaml import find_entry
from pipeline.record import registry
from pipeline.record.address import Address, find_address
from pipeline.record.flow_run import FlowRun
from pipeline.record.mlflow_store import KIND
from pipeline.record.projection import Projection
from pipeline.record.recorder import LONGEST_PAUSE, PATIENCE, record, wait_until_uploaded
from pipeline.record.reproduction import Process, Reproduction, current_reproduction
from pipeline.record.spool import Parent, Spool
from pipeline.record.stage_run import stage_run
from pipeline.record.uploader import ATTEMPTS, Uploader

from ..conftest import ROOT
from ..imports import modules_loaded
from ..project import wait_for
from .study import MD5, kill_recorders, new_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = new_study(tmp_path_factory.mktemp("record") / "a study")
    study.run("dvc", "init", "-q")
    study.commit("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(study.folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
        reproduction = study.start("-m", "dvc", "repro", "-q")
        flow = FlowRun("the flow", "a key")
        together = [study.start("stage.py", f"quick@{i}", **flow.environment) for i in range(3)]
        slow = study.start("stage.py", "slow", **flow.environment)
        try:
            said = study.folder / "run.txt"
            identity = wait_for(lambda: said.exists() and said.read_text())
            run = wait_for(lambda: study.store.find(identity))
            live = wait_for(lambda: study.store.client.get_metric_history(run, "loss"))
            study.live = [study.store.client.get_run(run).info.status, live, slow.poll()]
            slow.kill()
            wait_for(lambda: study.store.client.get_run(run).info.status != "RUNNING")
            study.killed = study.store.client.get_run(run)
            reproduction.communicate(timeout=120)  # before the parameters change
            study.notes = flow.find_parent()
            kill_recorders(study.folder)
            study.change({"evaluate": {"seed": 77}})
            resumed = study.start("stage.py", "slow", identity, **flow.environment)
            wait_for(lambda: study.store.client.get_run(run).info.status == "RUNNING")
            flow.end("FINISHED")
            for process in together:
                process.communicate(timeout=120)
            time.sleep(1)  # the recorder has looked; but a stage of the flow still runs
            study.meanwhile = study.named("the flow")
            (study.folder / "go.txt").touch()
            ended = [each.wait(120) for each in (reproduction, *together, resumed)]
            assert ended == [255, 0, 0, 0, 0]
            study.waited = study.wait_for_record()
            yield study
        finally:
            slow.kill()
            kill_recorders(study.folder)


@pytest.mark.study
def test_each_stage_is_nested_in_its_reproduction_and_says_how_it_ended(study):
    assert study.waited.count("\n") == 1
    said = study.run("python", "-m", "pipeline.record", "status")
    assert said == "record: everything is uploaded\n"
    # What a recorder that was killed left of a run without its `run.json` is no entry.
    wait_for(lambda: not Spool(study.folder).entries())
    assert not [*study.folder.glob(".record/parents/*"), *study.folder.glob(".record/ends/*")]
    assert study.children("repro 2") == {"good", "bad"}
    assert study.children("the flow") == {"slow", *(f"quick@{i}" for i in range(3))}
    status = {run.info.run_name: run.info.status for run in study.runs()}
    assert status.pop(study.named("repro 2").info.run_name) == status.pop("bad") == "FAILED"
    assert set(status.values()) == {"FINISHED"}
    assert study.named("bad").data.tags["error"] == "ValueError: no faces"
    assert study.meanwhile.info.status == "RUNNING"
    assert study.notes.run == study.meanwhile.info.run_id
    assert all(run.info.end_time >= run.info.start_time for run in study.runs())


@pytest.mark.study
def test_live_metrics_are_seen_while_a_stage_runs_and_none_are_lost(study):
    status, history, exit_status = study.live
    assert (status, exit_status) == ("RUNNING", None)
    assert [metric.step for metric in history] == list(range(len(history)))
    times = np.array([metric.timestamp for metric in history])
    assert len(times) == 1 or (np.diff(times) >= 90).all()  # the stage's clock, not the recorder's
    for i in range(3):
        found = [(metric.step, metric.value) for metric in study.history(f"quick@{i}")]
        assert found == [(step, step) for step in range(50)]


@pytest.mark.study
def test_a_stage_that_is_killed_is_marked_and_goes_on_in_the_same_run(study):
    assert study.killed.info.status == "KILLED"
    assert study.killed.info.end_time is not None
    run = study.named("slow")
    assert run.info.run_id == study.killed.info.run_id
    steps = [metric.step for metric in study.history("slow")]
    assert steps == [*range(len(steps) - 1), 10**6]


@pytest.mark.study
def test_the_record_has_what_the_stage_left_and_dvc_yaml_lists(study):
    data = study.named("good").data
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert data.params["evaluate.seed"] == str(params["evaluate"]["seed"])
    assert data.params["split.method"] == params["split"]["method"]
    assert not [name for name in data.params if name.split(".")[0] not in ("evaluate", "split")]
    assert data.metrics["faces.accuracy"] == 0.75
    assert math.isnan(data.metrics["faces.odd"])
    assert data.metrics["a_b"] == 1.0
    assert data.metrics["stage.seconds"] > 0
    assert data.tags["device"] == "cpu"
    assert study.artifacts("good") == {"figures", "good.txt", "metrics.json", "made_by.json"}
    assert study.artifacts("good", "figures") == {"figures/curve.svg"}
    (dataset,) = study.named("good").inputs.dataset_inputs
    assert {dataset.dataset.name: dataset.dataset.digest} == MD5
    assert dataset.tags[0].value == "good"
    # What dvc.yaml wants in the row that compares reproductions:
    assert study.named("repro 2").data.metrics == {"faces.accuracy": 0.75}
    assert study.artifacts("repro 2") == {"good.txt"}


@pytest.mark.study
def test_a_reproduction_knows_code_data_user_and_versions(study):
    tags = study.named("repro 2").data.tags
    assert tags["git.revision"] == study.run("git", "rev-parse", "HEAD").strip()
    assert tags["mlflow.source.git.commit"] == tags["git.revision"]
    assert tags["git.dirty"] == "false"
    assert study.named("slow").data.tags["git.dirty"] == "true"
    assert tags["data.md5"] == f"data.csv {MD5['data.csv']}"
    assert tags["version.numpy"] == np.__version__
    assert {"threads", "platform"} <= tags.keys()
    assert socket.gethostname() not in tags.values()
    stage = study.named("bad").data.tags
    assert "version.numpy" not in stage  # once a reproduction is enough
    assert stage["data.md5"] == tags["data.md5"]
    assert (tags["mlflow.source.name"], stage["mlflow.source.name"]) == ("dvc.yaml", "stage.py")
    assert tags["mlflow.user"] == stage["mlflow.user"] != ""


@pytest.mark.study
def test_everything_is_where_the_user_interface_looks_without_arguments(study):
    from mlflow.store.tracking import DEFAULT_TRACKING_URI  # what `mlflow ui` opens

    assert (study.folder / DEFAULT_TRACKING_URI.removeprefix("sqlite:///")).is_file()
    place = (study.folder / "mlruns").as_uri()
    assert all(run.info.artifact_uri.startswith(place) for run in study.runs())
    client = study.store.client
    identity = study.store.experiment

    def kind():
        return study.store.client.get_experiment(identity).tags.get(KIND)

    assert kind() == "custom_model_development"
    client.delete_experiment_tag(identity, KIND)  # made by an older version of the study
    assert kind() == "custom_model_development"
    client.set_experiment_tag(identity, KIND, "genai_development")  # a person's own choice
    assert kind() == "genai_development"


# One process that is both stage and recorder


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
    return tmp_path


@pytest.fixture
def uploader(study, workspace, monkeypatch):
    """Uploads a workspace of its own to the study's record; meanwhile nobody else does."""
    (workspace / "dvc.yaml").write_text("stages: {}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{study.folder / 'mlflow.db'}")
    spool, address = Spool(workspace), find_address(workspace)
    with FileLock(spool.lock(address)):
        yield Uploader(spool, address)


@pytest.mark.study
def test_reproductions_are_nested_in_the_run_that_they_are_some_of(study, uploader, monkeypatch):
    with stage_run("the grid", {"seeds": 2}, resume="9" * 16, alone=True) as grid:
        assert not grid.wait_until_begun(0)
        uploader.upload_all()
        assert grid.wait_until_begun(1)
        flow = FlowRun("one of it", "one", grid.identity)
        monkeypatch.setenv(*flow.environment.popitem())
        with stage_run("a stage", {}):
            pass
        uploader.upload_all()
        assert flow.find_parent().run == study.named("one of it").info.run_id
        grid.keep(study.folder / "data.csv")
        grid.measure({"mean": 0.5})
        flow.end("FINISHED")
    uploader.upload_all()
    assert not wait_until_uploaded(uploader.spool, uploader.address, 0)
    found = study.named("the grid")
    assert "mlflow.parentRunId" not in found.data.tags
    assert (found.data.params, found.data.metrics) == ({"seeds": "2"}, {"mean": 0.5})
    assert study.artifacts("the grid") == {"data.csv"}
    assert study.children("the grid") == {"one of it"}
    assert study.children("one of it") == {"a stage"}
    assert {study.named(name).info.status for name in ("the grid", "one of it")} == {"FINISHED"}


@pytest.mark.study
def test_neither_a_deleted_run_nor_what_mlflow_refuses_holds_anything_up(study, uploader):
    with stage_run("unwanted", {}) as record:
        uploader.upload_all()
        study.store.client.delete_run(study.store.find(record.identity))
        record.live({"loss": 1.0}, 1)
        with pytest.raises(Exception, match="active"):
            uploader.upload_all()
        results = uploader.spool.root / "artifacts/unwanted"
        results.mkdir(parents=True)
        (results / "metrics.json").write_text("no json")
    for _ in range(8):  # it is offered again, and then left out
        with suppress(json.JSONDecodeError):
            uploader.upload_all()
    assert not uploader.spool.entries()
    run = study.named("unwanted")
    assert run.info.status == "FINISHED"
    assert "JSONDecodeError" in run.data.tags["left_out.metrics"]
    assert study.artifacts("unwanted") == {"metrics.json"}
    assert [metric.step for metric in study.history("unwanted")] == [1]


@pytest.mark.study
def test_a_resumed_run_keeps_its_first_params_and_history_replaces_epochs_that_nobody_saw(
    study, uploader
):
    results = uploader.spool.root / "artifacts/again"
    results.mkdir(parents=True)
    (results / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n")
    for rate in (0.1, 0.2):
        with stage_run("again", {"rate": rate, "long": "x" * 9000}, resume="8" * 32):
            pass
    uploader.upload_all()
    data = study.named("again").data
    assert data.params == {"rate": "0.1", "long": "x" * 6000}
    assert {(each.step, each.value) for each in study.history("again")} == {(1, 0.5), (2, 0.25)}


def test_a_folder_that_mlflow_refuses_is_waited_for_in_vain_until_it_is_allowed(
    workspace, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:./mlruns")
    with stage_run("sample", {}) as record:
        assert "sqlite:///mlflow.db" in record.refusal
    spool, folder = Spool(workspace), find_address(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
        (left,) = wait_until_uploaded(spool, folder, 120)
    assert left.endswith(
        "MLFLOW_TRACKING_URI = file:./mlruns: MLflow takes folders no more; name a database, such "
        "as sqlite:///mlflow.db, or set MLFLOW_ALLOW_FILE_STORE=true"
    )
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert not find_address(workspace).refusal
    Uploader(spool, folder).upload_all()
    assert not spool.entries()
    assert list((workspace / "mlruns").rglob("meta.yaml"))


def test_an_address_with_a_slip_is_waited_for_and_ends_no_stage():
    assert Address("http://[::1:5000", "faces").refusal == ""


def test_switched_off_nothing_is_written(workspace, monkeypatch):
    monkeypatch.setenv("IMAGE_SENTIMENT_TRACKING", "off")
    flow = FlowRun("flow", "key")
    with stage_run("train", {"a": 1}, resume="f" * 32) as record:
        record.live({"loss": 1}, 1)
        record.tag({"device": "cpu"})
        record.keep(workspace)
    assert (flow.wait(0), flow.find_parent(), record.identity) == ([], None, "f" * 32)
    flow.end("FINISHED")
    assert not list(workspace.iterdir())


@pytest.fixture
def spool(workspace):
    """Of a workspace whose record nobody uploads."""
    spool = Spool(workspace)
    with FileLock(spool.lock(find_address(workspace))):
        yield spool


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "KILLED"),
        (BaseException("as Prefect's of a grid that is cancelled"), "KILLED"),
        (SystemExit(143), "KILLED"),
        (SystemExit(1), "FAILED"),
        (SystemExit(0), "FINISHED"),
        (RuntimeError("x"), "FAILED"),
    ],
)
def test_how_a_stage_ended_follows_from_what_it_raised(spool, error, status):
    with pytest.raises(type(error)), stage_run("train", {}):
        raise error
    (entry,) = spool.entries()
    assert entry.run.end.status == status


def test_what_mlflow_refuses_is_offered_by_one_recorder_until_its_patience_ends(spool, monkeypatch):
    with stage_run("refused", {}):
        pass
    assert PATIENCE == 600
    address, clock, made = find_address(spool.root), [0.0], []

    class Refused:
        def __init__(self, *_):
            assert not made, "another one, which knows of no attempt"
            self.passes = 0
            made.append(self)

        def upload_all(self):
            self.passes += 1
            raise OSError("refused")

    def sleep(seconds):
        clock[0] += seconds

    monkeypatch.setattr("pipeline.record.uploader.Uploader", Refused)
    timer = SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
    monkeypatch.setattr("pipeline.record.recorder.time", timer)
    monkeypatch.setattr(spool.__class__, "lock", lambda self, _: self.folder / "another.lock")
    record(spool, address)
    assert made[0].passes > ATTEMPTS
    assert PATIENCE < clock[0] <= PATIENCE + LONGEST_PAUSE


def test_a_damaged_entry_is_set_aside_and_the_others_are_kept(spool, caplog):
    for name in ("first", "second"):
        with stage_run(name, {}):
            pass
    damaged, _ = spool.entries()
    (damaged.folder / "run.json").write_bytes(b"")
    assert [entry.run.stage for entry in spool.entries()] == ["second"]
    assert "run.json.damaged" in caplog.text


def test_waiting_starts_one_recorder_at_a_time(workspace, monkeypatch):
    spool, address, started = Spool(workspace), find_address(workspace), []
    with FileLock(spool.lock(address)):  # nobody uploads meanwhile
        for name in "abc":
            with stage_run(name, {}):
                pass
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: started.append(1))
    assert len(wait_until_uploaded(spool, address, 1)) == 3
    assert len(started) == 1


@pytest.fixture
def project(spool, workspace, monkeypatch):
    """A workspace with dvc.yaml and params.yaml, in whose process a stage may run."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, workspace)
    handler = signal.getsignal(signal.SIGTERM)
    yield workspace
    signal.signal(signal.SIGTERM, handler)


def test_a_stage_that_fails_before_its_work_begins_has_a_run_that_says_so(
    spool, project, monkeypatch
):
    params = project / "params.yaml"
    good = params.read_bytes()
    params.write_text("split: 3")
    with pytest.raises(SystemExit):
        shell.run("sample")
    (entry,) = spool.entries()
    assert (entry.run.stage, entry.run.end.status) == ("sample", "FAILED")
    assert "split = 3" in entry.run.end.error
    entry.remove()

    params.write_bytes(good)
    monkeypatch.setitem(sys.modules, "pipeline.lime.stage", None)  # as where it cannot be imported
    with pytest.raises(ImportError):
        shell.run("lime")
    (entry,) = spool.entries()
    assert (entry.run.stage, entry.run.end.status) == ("lime", "FAILED")
    entry.remove()

    (project / "dvc.yaml").unlink()  # no project, and so no record
    params.write_text("split: 3")
    with pytest.raises(SystemExit):
        shell.run("sample")
    assert not spool.entries()


def test_no_error_comes_after_a_run_has_said_that_it_is_finished(
    spool, project, monkeypatch, capsys
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipeline.record.stage_run.start_recorder", full)
    module = SimpleNamespace(work=lambda stage: stage.at_end.append(full))
    shell.execute("sample", find_entry("sample"), lambda: module)
    (entry,) = spool.entries()
    assert entry.run.end.status == "FINISHED"
    assert "sample: something is left that is of no more use: " in capsys.readouterr().out


def test_a_line_cut_short_is_read_once_it_is_whole(spool):
    with stage_run("train", {}) as record:
        record.live({"loss": 1.0}, 1)
    (entry,) = spool.entries()
    with (entry.folder / "live.jsonl").open("a") as file:
        file.write('{"step"')
        file.flush()
        assert [row["step"] for row in entry.read_live(0)] == [1]
        file.write(": 2}\n")
    assert entry.read_live(1) == [{"step": 2}]


@pytest.mark.parametrize("damaged", [bytes(9), b"\xff", b'{"time": 1, "st'])
def test_a_damaged_line_holds_no_other_up(spool, caplog, damaged):
    with stage_run("train", {}) as record:
        for step in (1, 2):
            record.live({"loss": 1.0}, step)
    (entry,) = spool.entries()
    live = entry.folder / "live.jsonl"
    _, second, _ = live.read_bytes().split(b"\n")
    live.write_bytes(damaged + b"\n" + second + b"\n")
    left_out, kept = entry.read_live(0)
    assert (left_out["values"], kept["step"]) == ({}, 2)
    assert "live.jsonl: a line is damaged" in caplog.text


@pytest.fixture
def projected(spool):
    """Shows the newest entry in an MLflow that has one run, of which only tags are known."""
    tags = {}
    client = SimpleNamespace(
        get_run=lambda _: SimpleNamespace(data=SimpleNamespace(tags=tags)),
        delete_tag=lambda _, name: tags.pop(name),
        set_terminated=lambda *_: None,
    )
    store = SimpleNamespace(
        client=client, experiment="0", open=lambda *_: "run", log_params=lambda *_: None,
        log_tags=lambda _, values: tags.update(values),
    )  # fmt: skip
    return lambda: (Projection(store, spool.entries()[-1], None), tags)


def test_a_run_that_is_finished_keeps_no_error_of_when_it_was_stopped(projected):
    for status, error in ((143, "SystemExit: 143"), (0, None)):
        with suppress(SystemExit), stage_run("train", {}, resume="7" * 32):
            raise SystemExit(status)
        projection, tags = projected()
        projection.close()
        assert tags.get("error") == error


def test_a_model_that_is_recorded_again_is_no_other_model(projected, workspace, monkeypatch):
    (workspace / "artifacts/evaluate").mkdir(parents=True)
    scores = {"accuracy": 0.6, "accuracy_interval": {"low": 0.5, "high": 0.7}}
    (workspace / "artifacts/evaluate/scores.json").write_text(json.dumps({"cnn": scores}))
    meta = {"name": "faces", "files": [], "scores": "scores.json", "measure": "cnn", "faces": []}
    events = []
    monkeypatch.setattr(registry, "register", lambda *_, event, **__: events.append(event) or "")
    for identity in ("5" * 32, "5" * 32, "6" * 32):
        with stage_run("evaluate", {}, meta={"model": dict(meta)}, resume=identity):
            pass
        projection, _ = projected()
        projection.model()
    assert events[0] == events[1] != events[2]


def test_a_stage_records_the_parameters_that_dvc_yaml_lists(params):
    def params_of(name):
        return find_entry(name).pick_params(name, params.model_dump())

    trained = params_of("train@cnn")
    assert trained["epochs"] == params.train.cnn.epochs
    assert not [name for name in trained if name.startswith("train.dnn")]
    assert params_of("evaluate")["seed"] == params.evaluate.seed
    assert set(params_of("confusion")) == {"evaluate.resamples", "evaluate.seed"}


# Reproductions


def test_which_reproduction_a_stage_belongs_to(workspace, monkeypatch):
    alone = current_reproduction("train")
    assert alone.process == Process.of(psutil.Process())
    assert alone.name.startswith("train 2")

    monkeypatch.setenv("DVC_EXP_NAME", "brave-face")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "abc")
    experiment = current_reproduction("train")
    assert (experiment.key, experiment.name) == ("abc:brave-face", "brave-face")

    monkeypatch.setenv(*FlowRun("the flow", "key", "grid").environment.popitem())
    found = current_reproduction("train")
    assert (found.key, found.name, found.group) == ("key", "the flow", "grid")


@pytest.fixture(scope="module")
def gone():
    """A process that is no more."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = Process.of(psutil.Process(child.pid))
        assert process.is_alive
        assert not Process(pid=child.pid, created=process.created - 60).is_alive  # a later one
        child.kill()
        wait_for(lambda: not process.is_alive)  # its exit status was not asked for yet
    assert not process.is_alive
    return process


@pytest.mark.parametrize(
    ("stages", "attempt", "ending"),
    [
        ({"a": "FINISHED", "b": "FINISHED"}, "", "FINISHED"),
        ({"a": "FAILED", "b": "FINISHED"}, "", "FAILED"),
        ({"a": "FAILED", "b": "KILLED"}, "", "KILLED"),
        ({"a": "FINISHED"}, "of a flow that vanished", "KILLED"),
    ],
)
def test_a_reproduction_ends_with_its_process(spool, gone, stages, attempt, ending):
    reproduction = Reproduction(key="k", name="n", process=gone, attempt=attempt)
    parent = Parent(reproduction=reproduction, run="r", experiment="e", stages=stages, last=3)
    assert parent.ending(spool) == (ending, 3)
    alive = reproduction.model_copy(update={"process": Process.of(psutil.Process())})
    assert parent.model_copy(update={"reproduction": alive}).ending(spool) is None


FLOW = """
import os
from pipeline.record.flow_run import FlowRun
from pipeline.record.stage_run import stage_run

flow = FlowRun("the flow", "key")
os.environ |= flow.environment
with stage_run("a stage", {}):
    pass
print(*flow.environment.values(), flush=True)
input()
flow.end("FINISHED")
"""


def test_a_flow_that_ends_while_the_recorder_looks_was_not_killed(spool, monkeypatch):
    with subprocess.Popen(
        [sys.executable, "-c", FLOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(spool.root)},
    ) as flow:  # fmt: skip
        reproduction = Reproduction.model_validate_json(flow.stdout.readline())
        parent = Parent(reproduction=reproduction, run="r", experiment="e")
        assert parent.ending(spool) is None
        look = Process.is_alive.fget

        def look_and_let_end(process):
            found = look(process)
            flow.communicate("end\n", timeout=60)
            return found

        monkeypatch.setattr(Process, "is_alive", property(look_and_let_end))
        assert parent.ending(spool)[0] == "FINISHED"


@pytest.mark.parametrize(
    ("failed", "error", "ending"),
    [(False, None, "FINISHED"), (True, None, "FAILED"), (False, KeyboardInterrupt, "KILLED")],
)
def test_how_a_flow_ends_follows_from_what_it_says(spool, monkeypatch, failed, error, ending):
    with suppress(KeyboardInterrupt), FlowRun("the flow", "key") as flow:
        monkeypatch.setenv(*flow.environment.popitem())
        with stage_run("a stage", {}):
            pass
        flow.failed = failed
        if error:
            raise error
    parent = Parent(reproduction=flow.reproduction, run="r", experiment="e")
    assert parent.ending(spool)[0] == ending


def test_a_flow_that_began_anew_has_not_ended_with_its_former_end(spool, monkeypatch):
    former, again = FlowRun("the flow", "key"), FlowRun("the flow", "key")
    first, second = (
        Parent(reproduction=flow.reproduction, run="r", experiment="e") for flow in (former, again)
    )
    former.end("FAILED")
    assert first.ending(spool) is None  # nothing ran: nothing is written down
    for flow in (former, again):
        monkeypatch.setenv(*flow.environment.popitem())
        with stage_run("a stage", {}):
            pass
    former.end("FAILED")
    assert first.ending(spool)[0] == "FAILED"
    assert second.ending(spool) is None


def test_a_stage_is_cheap_to_record():
    heavy = {"mlflow", "torch", "numpy", "yaml", "filelock", "requests"}
    assert not heavy & modules_loaded("import pipeline.record.stage_run")
