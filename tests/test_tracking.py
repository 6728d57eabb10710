"""The record: real MLflow in SQLite, real DVC, stages and recorders in processes of their own."""

import hashlib
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from filelock import FileLock

from pipeline.tracking import declaration, processes, provenance
from pipeline.tracking.journal import flatten, stage_run
from pipeline.tracking.models import Measured, judge
from pipeline.tracking.parents import Parents
from pipeline.tracking.places import Address, Desk, find_address, find_root
from pipeline.tracking.reader import read_journals
from pipeline.tracking.reproduction import (
    Reproduction,
    begin_reproduction,
    current_reproduction,
    end_reproduction,
)
from pipeline.tracking.shipping import Shipper
from pipeline.tracking.store import Store, connect

from .imports import modules_loaded

PROJECT = Path(__file__).resolve().parents[1]

STAGE = """
import math, sys, time
from pathlib import Path
from pipeline.tracking.journal import stage_run

name, resume = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
with stage_run(name, {"fit": {"rate": 0.1}, "long": "x" * 9000}, resume=resume) as journal:
    if name == "good":
        Path("good.txt").write_text("made by good")
        journal.metrics({"odd": math.nan, "odder": -math.inf, "../a@b": 1.0})
        journal.headline({"accuracy": 0.75})
        journal.tags({"colour": "grey"})
        journal.dataset("faces", "data.csv", "d" * 32, 7, "training")
        journal.artifact("good.txt", "refused/../../by-mlflow")
        journal.artifact("good.txt", "notes")
        journal.artifact("good.txt", on_parent=True)
        Path("good.txt").unlink()
        Path("good.txt").write_text("replaced")
    elif name == "bad":
        raise ValueError("no\\nfaces")
    elif name == "slow" and resume is None:
        Path("run.txt").write_text(journal.run)
        for step in range(10**6):
            journal.metrics({"loss": 1 / (1 + step)}, step)
            time.sleep(0.1)
    elif name == "slow":
        journal.params({"fit": {"rate": 0.2}, "new": 1})
        journal.metrics({"loss": 0.0}, 10**6)
        while not Path("go.txt").exists():
            time.sleep(0.1)
    else:
        for step in range(50):
            journal.metrics({"loss": step}, step)
"""

DVC = f"""
stages:
  good: {{cmd: {sys.executable} stage.py good, deps: [data.csv], outs: [good.txt]}}
  bad: {{cmd: {sys.executable} stage.py bad, deps: [good.txt], outs: [bad.txt]}}
"""


@dataclass
class Study:
    """What a workspace's record looks like after all kinds of stages."""

    root: Path
    store: Store
    live: list[Any] = field(default_factory=list)
    killed: Any = None
    meanwhile: Any = None
    waited: Any = None

    def runs(self) -> list[Any]:
        return list(self.store.client.search_runs([self.store.experiment]))

    def named(self, name: str) -> Any:
        (run,) = [run for run in self.runs() if run.info.run_name.startswith(name)]
        return run

    def children(self, parent: str) -> set[str]:
        identity = self.named(parent).info.run_id
        of_parent = [r for r in self.runs() if r.data.tags.get("mlflow.parentRunId") == identity]
        return {run.info.run_name for run in of_parent}

    def artifacts(self, name: str, folder: str | None = None) -> dict[str, str]:
        run = self.named(name).info.run_id
        paths = [f.path for f in self.store.client.list_artifacts(run, folder) if not f.is_dir]
        place = Path(self.named(name).info.artifact_uri.removeprefix("file://").replace("%20", " "))
        return {path: (place / path).read_text() for path in paths}


def environment(**values: str) -> dict[str, str]:
    ours = ("DVC_", "MLFLOW_", "STUDY_", "IMAGE_SENTIMENT_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**clean, "PYTHONPATH": str(PROJECT), "DVC_NO_ANALYTICS": "1", **values}


def python(root: Path, *words: str, **values: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=root,
        env=environment(**values),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def until(ready: Callable[[], Any], patience: float = 60) -> Any:
    deadline = time.monotonic() + patience
    while not (found := ready()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return found


def recorders(root: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[-1:] == ["record"] and Path(process.cwd()) == root:
                found.append(process)
        except psutil.Error:
            continue
    return found


def make_workspace(root: Path) -> Path:
    root.mkdir()
    (root / "stage.py").write_text(STAGE)
    (root / "dvc.yaml").write_text(DVC)
    (root / "params.yaml").write_text("data: {source: data.csv}\n")
    (root / "data.csv").write_text("label,feature\n")
    return root


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    done = subprocess.run(
        ["git", *who, *words],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    root = make_workspace(tmp_path_factory.mktemp("record") / "a study")
    git(root, "init", "-q")
    dvc = [str(Path(sys.executable).parent / "dvc")]
    subprocess.run([*dvc, "init", "-q"], cwd=root, env=environment(), check=True)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")

    reproduction = subprocess.Popen([*dvc, "repro", "-q"], cwd=root, env=environment())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
            patch.delenv(name, raising=False)
        key = begin_reproduction("the flow")
        together = [
            python(root, "stage.py", f"quick@{i}", STUDY_REPRODUCTION=key) for i in range(4)
        ]
        slow = python(root, "stage.py", "slow", STUDY_REPRODUCTION=key)
        store = connect(Address(f"sqlite:///{root / 'mlflow.db'}", "image-sentiment"), root)
        study = Study(root, store)
        try:
            run = until(lambda: store.find(_run_of_slow(root)))
            live = until(lambda: store.client.get_metric_history(run, "loss"))
            study.live = [store.client.get_run(run).info.status, live, slow.poll()]
            slow.kill()
            until(lambda: store.client.get_run(run).info.status != "RUNNING")
            study.killed = store.client.get_run(run)
            for recorder in recorders(root):
                recorder.kill()
            finish(slow)
            words = ["stage.py", "slow", _run_of_slow(root)]
            resumed = python(root, *words, STUDY_REPRODUCTION=key)
            until(lambda: store.client.get_run(run).info.status == "RUNNING")
            end_reproduction(key, "FINISHED")
            time.sleep(2)  # the recorder has looked; but a stage of the flow still runs
            study.meanwhile = study.named("the flow")
            (root / "go.txt").touch()
            assert finish(resumed).returncode == 0
            assert [finish(process).returncode for process in together] == [0] * 4
            assert reproduction.wait(60) == 255
            study.waited = finish(python(root, "-m", "pipeline.tracking", "wait"))
            yield study
        finally:
            slow.kill()
            for recorder in recorders(root):
                recorder.kill()


def _run_of_slow(root: Path) -> str:
    return str(until(lambda: (root / "run.txt").exists() and (root / "run.txt").read_text()))


@pytest.mark.study
def test_wait_returns_when_all_is_shipped(study: Study) -> None:
    assert study.waited.returncode == 0, study.waited
    assert study.waited.stdout.count("\n") == 1
    assert not list((study.root / ".tracking/journals").iterdir())
    status = finish(python(study.root, "-m", "pipeline.tracking", "status"))
    assert status.stdout == "record: everything is shipped\n"


@pytest.mark.study
def test_each_stage_is_nested_in_its_reproduction(study: Study) -> None:
    assert study.children("repro 2") == {"good", "bad"}
    assert study.children("the flow") == {"slow", *(f"quick@{i}" for i in range(4))}


@pytest.mark.study
def test_status_of_stages_and_reproductions(study: Study) -> None:
    assert study.named("good").info.status == "FINISHED"
    assert study.named("bad").info.status == "FAILED"
    assert study.named("bad").data.tags["error"] == "ValueError: no faces"
    assert study.named("repro 2").info.status == "FAILED"
    assert study.named("the flow").info.status == "FINISHED"
    assert study.meanwhile.info.status == "RUNNING"
    assert all(run.info.end_time >= run.info.start_time for run in study.runs())


@pytest.mark.study
def test_metrics_are_visible_while_the_stage_runs(study: Study) -> None:
    status, history, exit_status = study.live
    assert status == "RUNNING"
    assert exit_status is None
    assert [metric.step for metric in history] == list(range(len(history)))
    times = np.array([metric.timestamp for metric in history])
    assert len(times) == 1 or (np.diff(times) >= 90).all()  # the stage's clock, not the recorder's


@pytest.mark.study
def test_a_stage_that_is_killed_is_marked(study: Study) -> None:
    assert study.killed.info.status == "KILLED"
    assert study.killed.info.end_time is not None


@pytest.mark.study
def test_a_resumed_stage_goes_on_in_the_same_run(study: Study) -> None:
    run = study.named("slow")
    assert run.info.run_id == study.killed.info.run_id
    assert run.info.status == "FINISHED"
    steps = [m.step for m in study.store.client.get_metric_history(run.info.run_id, "loss")]
    assert steps == [*range(len(steps) - 1), 10**6]


@pytest.mark.study
def test_a_changed_param_keeps_its_first_value_and_is_a_tag(study: Study) -> None:
    data = study.named("slow").data
    assert data.params["fit.rate"] == "0.1"
    assert data.tags["changed.fit.rate"] == "0.2"
    assert data.params["new"] == "1"
    assert data.params["long"] == "x" * 6000
    assert "changed.long" not in data.tags


@pytest.mark.study
def test_stages_at_once_lose_nothing(study: Study) -> None:
    for i in range(4):
        run = study.named(f"quick@{i}").info.run_id
        history = study.store.client.get_metric_history(run, "loss")
        assert [(m.step, m.value) for m in history] == [(step, step) for step in range(50)]


@pytest.mark.study
def test_odd_metrics_and_refused_events_do_not_lose_the_rest(study: Study) -> None:
    data = study.named("good").data
    assert math.isnan(data.metrics["odd"])
    assert data.metrics["odder"] < -1e300
    assert data.metrics["a_b"] == 1.0
    assert "left_out.artifact" in data.tags
    assert data.tags["colour"] == "grey"


@pytest.mark.study
def test_artifacts_are_kept_as_they_were(study: Study) -> None:
    assert study.artifacts("good", "notes") == {"notes/good.txt": "made by good"}
    assert study.artifacts("repro 2") == {"good.txt": "made by good"}


@pytest.mark.study
def test_headlines_compare_reproductions(study: Study) -> None:
    assert study.named("good").data.metrics["accuracy"] == 0.75
    assert study.named("repro 2").data.metrics == {"accuracy": 0.75}


@pytest.mark.study
def test_a_reproduction_knows_code_data_and_versions(study: Study) -> None:
    tags = study.named("repro 2").data.tags
    assert tags["git.revision"] == git(study.root, "rev-parse", "HEAD")
    assert tags["git.dirty"] == "false"
    assert tags["data.md5"] == hashlib.md5(b"label,feature\n", usedforsecurity=False).hexdigest()
    assert tags["version.numpy"] == np.__version__
    assert socket.gethostname() not in tags.values()
    assert study.named("bad").data.tags["data.md5"] == tags["data.md5"]
    assert "version.numpy" not in study.named("bad").data.tags  # once a reproduction is enough
    (dataset,) = study.named("good").inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("faces", "d" * 32)
    assert dataset.tags[0].value == "training"


@pytest.mark.study
def test_everything_is_where_the_user_interface_looks_without_arguments(study: Study) -> None:
    from mlflow.store.tracking import DEFAULT_TRACKING_URI  # what `mlflow ui` opens

    assert (study.root / DEFAULT_TRACKING_URI.removeprefix("sqlite:///")).is_file()
    place = (study.root / "mlruns").as_uri()
    assert all(run.info.artifact_uri.startswith(place) for run in study.runs())


@pytest.mark.study
def test_nothing_is_lost_while_mlflow_is_away(study: Study, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        dead = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}"
        root = make_workspace(tmp_path / "elsewhere")
        try:
            away = {"MLFLOW_TRACKING_URI": dead, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
            assert finish(python(root, "stage.py", "alone", **away)).returncode == 0
            until(lambda: list((root / ".tracking").glob("trouble-*")))
            words = ["-m", "pipeline.tracking", "wait", "--timeout", "0.1"]
            waited = finish(python(root, *words, **away))
            assert waited.returncode == 1
            assert "not shipped" in waited.stderr
            assert "alone" in waited.stderr
            assert "secret" not in waited.stderr

            live = f"sqlite:///{study.root / 'mlflow.db'}"  # which another workspace uses, too
            words = ["-m", "pipeline.tracking", "wait"]
            assert finish(python(root, *words, MLFLOW_TRACKING_URI=live)).returncode == 0
        finally:
            for recorder in recorders(root):
                recorder.kill()
    assert study.children("alone 2") == {"alone"}
    (run,) = [run for run in study.runs() if run.info.run_name == "alone"]
    assert run.info.status == "FINISHED"
    assert len(study.store.client.get_metric_history(run.info.run_id, "loss")) == 50


@pytest.mark.study
def test_a_model_is_served_registered_and_the_best_one_marked(study: Study) -> None:
    import mlflow
    import torch

    from pipeline.tracking import models

    class Mean(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return faces.mean(dim=(1, 2, 3))[:, None].expand(-1, 7) + torch.arange(7)

    run = study.named("good").info.run_id
    face = np.full((1, 1, 48, 48), 9, dtype=np.uint8)
    for event, accuracy in [("first", 0.6), ("better", 0.7), ("better", 0.9)]:
        models.register(
            study.store,
            Mean(),
            face,
            run=run,
            name="faces",
            accuracy=accuracy,
            interval=(accuracy - 0.05, accuracy + 0.05),
            measured_on="these",
            event=event,
        )
        best = study.store.client.get_model_version_by_alias("faces", "best")
        found = ("1", "0.6") if event == "first" else ("2", "0.7")  # an event counts once
        assert (str(best.version), best.tags["accuracy"]) == found
    model = mlflow.pyfunc.load_model("models:/faces@best")
    faces = np.random.default_rng(0).uniform(0, 255, (5, 1, 48, 48)).astype(np.float32)
    expected = faces.mean(axis=(1, 2, 3))[:, None] + np.arange(7)
    np.testing.assert_allclose(model.predict(faces), expected, rtol=1e-5)
    assert study.named("good").info.status == "FINISHED"


@pytest.mark.parametrize(
    ("accuracy", "faces", "passes", "why"),
    [
        (0.60, "these", True, "takes the alias best: version 2"),
        (0.59, "these", False, "not better: version 2"),
        (0.54, "these", False, "worse beyond its interval: version 2"),
        (0.56, "others", True, "measured on other faces"),
        (0.54, "others", False, "worse beyond its interval, on other faces"),
    ],
)
def test_a_worse_model_does_not_take_the_alias(
    accuracy: float, faces: str, passes: bool, why: str
) -> None:
    champion = Measured("1", 0.60, 0.55, 0.65, "these")
    found = judge(Measured("2", accuracy, accuracy - 0.05, accuracy + 0.05, faces), champion)
    assert found[0] == passes
    assert why in found[1]
    assert "60.0% (55.0% to 65.0%)" in found[1]
    assert judge(champion, None)[0]


@pytest.mark.study
def test_reproductions_are_nested_in_the_run_that_they_are_some_of(
    study: Study, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, address = Desk(workspace), find_address(workspace)
    shipper = Shipper(study.store, desk, address)
    with FileLock(desk.lock(address)):  # this process is the recorder
        with stage_run("the grid", {"seeds": 2}, resume="9" * 16, alone=True) as journal:
            (stored,) = read_journals(desk)
            assert not stored.is_known_to(address)
            shipper.ship(stored)
            assert stored.is_known_to(address)
            monkeypatch.setenv("STUDY_GROUP", journal.run)
            key = begin_reproduction("one of it")
            monkeypatch.setenv("STUDY_REPRODUCTION", key)
            with stage_run("a stage", {}):
                shipper.ship(read_journals(desk)[1])
            declared = declaration.find(desk, key)
            assert declared
            assert declared.notes["run"] == study.named("one of it").info.run_id
            shipper.ship(read_journals(desk)[1])
            end_reproduction(key, "FINISHED")
        shipper.ship(stored)
        shipper.close_parents(set())
    assert "mlflow.parentRunId" not in study.named("the grid").data.tags
    assert study.children("the grid") == {"one of it"}
    assert study.children("one of it") == {"a stage"}
    assert {study.named(name).info.status for name in ("the grid", "one of it")} == {"FINISHED"}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "STUDY_REPRODUCTION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.study
def test_a_run_that_somebody_deletes_meanwhile_holds_nothing_up(
    study: Study, workspace: Path
) -> None:
    from mlflow.exceptions import MlflowException

    desk = Desk(workspace)
    address = find_address(workspace)
    shipper = Shipper(study.store, desk, address)
    with FileLock(desk.lock(address)):  # this process is the recorder
        with stage_run("unwanted", {}) as journal:
            (stored,) = read_journals(desk)
            assert not shipper.ship(stored)
            study.store.client.delete_run(study.store.find(journal.run))
        with pytest.raises(MlflowException, match="active"):
            shipper.ship(stored)
        assert shipper.ship(stored)
    assert not read_journals(desk)


def test_switched_off_nothing_is_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_SENTIMENT_TRACKING", "off")
    key = begin_reproduction("flow")
    with stage_run("train", {"a": 1}, resume="f" * 32) as journal:
        journal.metrics({"loss": 1}, step=1)
        journal.artifact(workspace / "dvc.yaml")
        journal.model(
            workspace, example=np.zeros((2, 1, 48, 48)), accuracy=0.5, interval=(0.4, 0.6),
            measured_on="these",
        )  # fmt: skip
    end_reproduction(key, "FINISHED")
    assert journal.run == "f" * 32
    assert [path.name for path in workspace.iterdir()] == ["dvc.yaml"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(143), "KILLED"),
        (SystemExit(1), "FAILED"),
        (SystemExit(0), "FINISHED"),
        (RuntimeError("x"), "FAILED"),
    ],
)
def test_how_a_stage_ended_is_told_from_what_it_raised(
    workspace: Path, error: BaseException, status: str
) -> None:
    desk = Desk(workspace)
    at_work = FileLock(desk.lock(find_address(workspace)))  # as if a recorder held it
    with at_work, pytest.raises(type(error)), stage_run("train", {}):
        raise error
    (journal,) = read_journals(desk)
    assert journal.unshipped(journal.address)[-1].values["status"] == status


def test_a_temporary_copy_of_the_workspace_records_in_the_real_one(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = workspace / ".dvc/tmp/exps/copy"
    copy.mkdir(parents=True)
    (copy / "dvc.yaml").touch()
    monkeypatch.chdir(copy)
    assert find_root() == copy
    monkeypatch.setenv("DVC_ROOT", str(workspace))
    assert find_root() == workspace


def test_which_reproduction_a_stage_belongs_to(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(workspace)
    alone = current_reproduction(desk, "train")
    assert alone.watch == processes.this_process()
    assert alone.name.startswith("train 2")

    monkeypatch.setenv("DVC_EXP_NAME", "brave-face")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "abc")
    experiment = current_reproduction(desk, "train")
    assert (experiment.key, experiment.name) == ("abc:brave-face", "brave-face")

    monkeypatch.setenv("STUDY_REPRODUCTION", begin_reproduction("the flow", "key"))
    assert current_reproduction(desk, "train").key == "key"
    assert current_reproduction(desk, "train").name == "the flow"


def gone() -> processes.Process:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = processes.Process(child.pid, psutil.Process(child.pid).create_time())
    child.kill()
    child.wait()
    return process


@pytest.mark.parametrize(
    ("stages", "ending"),
    [
        ([("a", "FINISHED"), ("b", "FINISHED")], "FINISHED"),
        ([("a", "FAILED"), ("b", "FINISHED")], "FAILED"),
        ([("a", "FAILED"), ("b", "KILLED")], "KILLED"),
        ([("a", "FAILED"), ("a", "FINISHED")], "FINISHED"),
    ],
)
def test_a_reproduction_ends_with_its_process(
    workspace: Path, stages: list[tuple[str, Any]], ending: str
) -> None:
    parents = Parents(Desk(workspace), find_address(workspace))
    parents.open(Reproduction("lives", "n", processes.this_process()))
    parents.open(Reproduction("gone", "n", gone()))
    for time_, (stage, status) in enumerate(stages):
        parents.note("gone", stage, status, time_)
        parents.note("lives", stage, status, time_)
    assert list(parents.over(busy={"gone"})) == []
    assert list(parents.over(busy=())) == [("gone", ending, len(stages) - 1)]


def test_a_flow_that_vanishes_was_killed_and_one_that_says_its_end_is_believed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_REPRODUCTION", begin_reproduction("the flow"))
    desk = Desk(workspace)
    mine = current_reproduction(desk, "train")
    parents = Parents(desk, find_address(workspace))
    parents.open(mine)
    parents.note(mine.key, "train", "FAILED", 1)
    assert not list(parents.over(busy=()))
    with FileLock(desk.lock(find_address(workspace))):
        end_reproduction(mine.key, "FINISHED")
    assert [status for _, status, _ in parents.over(busy=())] == ["FINISHED"]

    parents.drop(mine.key)
    script = "from pipeline.tracking.reproduction import *; begin_reproduction('f', 'vanished')"
    assert finish(python(workspace, "-c", script)).returncode == 0
    monkeypatch.setenv("STUDY_REPRODUCTION", "vanished")
    parents.open(current_reproduction(desk, "train"))
    assert [status for _, status, _ in parents.over(busy=())] == ["KILLED"]


def test_a_line_cut_short_is_read_once_it_is_whole(workspace: Path) -> None:
    with FileLock(Desk(workspace).lock(find_address(workspace))), stage_run("train", {}):
        pass
    (journal,) = read_journals(Desk(workspace))
    address = journal.address
    events = journal.unshipped(address)
    journal.mark_shipped(address, events[-1].end)
    with (journal.folder / "events.jsonl").open("a") as file:
        file.write('{"event": "tags", "ti')
        file.flush()
        assert journal.unshipped(address) == []
        file.write('me": 1, "values": {}}\nnot json\n')
    assert [event.kind for event in journal.unshipped(address)] == ["tags"]


def test_a_process_is_not_taken_for_a_later_one_with_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = processes.Process(child.pid, psutil.Process(child.pid).create_time())
    assert process.is_alive
    assert not processes.Process(child.pid, process.created - 60).is_alive
    child.send_signal(signal.SIGKILL)
    until(lambda: not process.is_alive)  # nobody has asked for its exit status yet
    child.wait()
    assert not process.is_alive


def test_what_git_says(tmp_path: Path) -> None:
    assert provenance.git_state(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert provenance.git_state(tmp_path) is None
    for name in ("code.py", "dvc.lock"):
        (tmp_path / name).write_text("old")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert provenance.git_state(tmp_path) == provenance.GitState(revision, dirty=False)
    (tmp_path / "dvc.lock").write_text("what a reproduction writes as it goes")
    assert provenance.git_state(tmp_path) == provenance.GitState(revision, dirty=False)
    (tmp_path / "code.py").write_text("new")
    assert provenance.git_state(tmp_path) == provenance.GitState(revision, dirty=True)


def test_the_md5_of_the_data_is_not_taken_from_a_lock_about_to_change(tmp_path: Path) -> None:
    assert provenance.data_md5(tmp_path) is None
    (tmp_path / "params.yaml").write_text("data: {source: data/raw}\n")
    (tmp_path / "dvc.lock").write_text(
        "schema: '2.0'\n"
        "stages: {ingest: {cmd: x, deps: [{path: pipeline, md5: a}, {path: data/raw, md5: b.dir}]}}"
    )
    assert provenance.data_md5(tmp_path) == "b.dir"
    assert provenance.data_md5(tmp_path, running="ingest") is None


def test_nested_params_become_flat() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {
        "a.b": 1,
        "a.c.d": [2],
        "e": None,
    }


def test_a_journal_is_cheap_to_import() -> None:
    heavy = {"mlflow", "torch", "numpy", "yaml", "filelock", "importlib.metadata", "requests"}
    assert not heavy & modules_loaded("import pipeline.tracking.journal")
