"""The study as a flow: a small DVC project through a real Prefect server."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import yaml
from dvc.repo import Repo

import flows  # noqa: F401 (its settings come before Prefect is imported)
from flows import study as study_module
from flows import worker as worker_module
from flows.artifacts import describe, read_experiment, read_workspace, summarise
from flows.servers import HOST, addresses
from flows.study import hold_workspace
from flows.worker import API
from pipeline.driver.experiment_runs import find_reference
from pipeline.driver.stage_graph import Stage
from pipeline.driver.stage_runs import Outcome
from pipeline.errors import UserError
from pipeline.record.address import SWITCH, find_address

from ..conftest import ROOT
from ..imports import modules_loaded
from ..project import in_terminal, new_project, wait_for

pytestmark = pytest.mark.study

WORK = """
import json, os, sys, time
from pathlib import Path
from pipeline.compute_slot import compute_slot
from pipeline.record.stage_run import stage_run


def meet(mine, other):
    # Parallel stages see one another; stages in a row would wait in vain.
    Path(mine).touch()
    end = time.monotonic() + 120
    while not Path(other).exists():
        assert time.monotonic() < end, f"{mine} met no {other}"
        time.sleep(0.02)


name, *what = sys.argv[1:]
if "slow" in what:
    print("slow starts", os.getpid(), flush=True)
    time.sleep(60)
with stage_run(name, {}):
    if "heavy" in what:
        with compute_slot(), open("busy", "x"):
            time.sleep(0.5)
            Path("busy").unlink()
    if os.environ.get("MEET") and name != "source":
        meet("light.here", "heavy.here") if name == "light" else meet("heavy.here", "light.here")
    if "bad" in what:
        print("no faces", file=sys.stderr)
        raise SystemExit(3)
    Path(f"{name}.txt").write_text(name)
    if name == "source":
        Path("source.json").write_text(json.dumps({"faces": {"kept": 7, "share": 1 / 3}}))
"""

STAGES = """
stages:
  both:
    cmd: python work.py both
    deps: [fit-a.txt, fit-b.txt, light.txt]
    outs: [both.txt]
  source:
    cmd: python work.py source
    deps: [work.py]
    outs: [source.txt]
    metrics: [source.json: {cache: false}]
  fit:
    matrix: {model: [a, b]}
    cmd: python work.py fit-${item.model} heavy
    deps: [source.txt]
    outs: ["fit-${item.model}.txt"]
    meta: {compute: heavy}
  light: {cmd: python work.py light, deps: [source.txt], outs: [light.txt]}
"""

# `heavy` waits in Prefect for `bad`, which it does not need.
FAILING = """
stages:
  source: {cmd: python work.py source, outs: [source.txt, source.json]}
  bad: {cmd: python work.py bad bad, deps: [source.txt], outs: [bad.txt], meta: {compute: heavy}}
  after: {cmd: python work.py after, deps: [bad.txt], outs: [after.txt]}
  heavy: {cmd: python work.py h, deps: [source.txt], outs: [h.txt], meta: {compute: heavy}}
"""

SLOW = "stages: {slow: {cmd: python work.py slow slow, outs: [slow.txt]}}"

NAMES = ["source", "fit@a", "fit@b", "light", "both"]


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
        # Each record costs a process and a database; two tests look at one.
        patch.setenv(SWITCH, "off")
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        # Compute slots of its own: a training of other tests may hold the machine's for minutes.
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        yield patch


@pytest.fixture(scope="module")
def server(environment: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Prefect server that runs for all tests."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=90):
        yield str(PREFECT_API_URL.value())


def make_project(root: Path, stages: str) -> Path:
    Repo.init(str(root), no_scm=True).close()
    (root / "dvc.yaml").write_text(stages)
    (root / "work.py").write_text(WORK)
    shutil.copy(ROOT / "params.yaml", root)
    return root


# What is asked for


@pytest.mark.parametrize(
    ("arguments", "spoil", "message"),
    [
        (["fits"], None, "study: error: stage 'fits' is not in dvc.yaml"),
        ([], r"epochs: \d+", "train.cnn.epochs = 0"),
    ],
)
def test_mistakes_are_named_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    spoil: str | None,
    message: str,
) -> None:
    make_project(tmp_path, STAGES)
    if spoil:
        params = tmp_path / "params.yaml"
        params.write_text(re.sub(spoil, "epochs: 0", params.read_text(), count=1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    with pytest.raises(SystemExit, match="1"):
        study_module.main()
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "server" not in said.out


@pytest.mark.parametrize(
    ("host", "prefect"),
    [("", "http://127.0.0.1:4200"), ("10.0.0.1", "http://10.0.0.1:4200"),
     ("::1", "http://[::1]:4200"), ("[::1]", "http://[::1]:4200")],
)  # fmt: skip
def test_servers_listen_on_addresses_of_both_kinds(
    monkeypatch: pytest.MonkeyPatch, host: str, prefect: str
) -> None:
    monkeypatch.setenv(HOST, host)
    assert addresses()[0] == prefect


def test_an_address_without_http_is_refused_before_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(tmp_path, STAGES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["worker"])
    monkeypatch.setenv(API, "10.0.0.1:4200/api")
    monkeypatch.setattr("flows.worker.check_workspace", lambda: None)
    with pytest.raises(SystemExit, match="1"):
        worker_module.main()
    assert capsys.readouterr().err.startswith(f"worker: error: {API} = 10.0.0.1:4200/api: should")


@pytest.mark.parametrize(("host", "is_here"), [("localhost", True), ("10.0.0.1", False)])
def test_this_machine_by_its_other_name_is_not_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, is_here: bool
) -> None:
    monkeypatch.setenv(API, f"http://{host}:4200/api")
    monkeypatch.setattr("flows.worker.check_workspace", lambda: None)
    monkeypatch.setattr("flows.worker.answers", lambda *_: True)
    if is_here:
        settings = worker_module.prepare(tmp_path)
        assert settings["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    else:
        with pytest.raises(UserError, match="is another machine's"):
            worker_module.prepare(tmp_path)


def test_a_flow_by_hand_waits_while_another_works_on_the_workspace(tmp_path: Path) -> None:
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    lines: list[str] = []

    def second() -> None:
        with hold_workspace(tmp_path, lines.append):
            lines.append("second works")

    with hold_workspace(tmp_path, lines.append):
        thread = threading.Thread(target=second)
        thread.start()
        wait_for(lambda: bool(lines))
        lines.append("first ends")
    thread.join(10)
    assert lines == [
        "another flow works on this workspace: waits for its turn", "first ends", "second works",
    ]  # fmt: skip


# The page at the end


def test_the_summary_has_states_and_metrics(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"faces": {"kept": 7, "share": 0.33333333}, "odd|": "x"}')
    graph = [Stage("a", metrics=("a.json", "gone.json")), Stage("b"), Stage("c")]
    outcomes = {"a": Outcome("ran", 1.26, ""), "b": Outcome("failed", 2, "")}
    assert summarise(graph, outcomes, read_workspace(tmp_path)).splitlines() == [
        "| Stage | State | Seconds |",
        "| --- | --- | --- |",
        "| a | ran | 1.3 |",
        "| b | failed | 2.0 |",
        "| c | not run |  |",
        "",
        "| Stage | Metric | Value |",
        "| --- | --- | --- |",
        "| a | faces.kept | 7 |",
        "| a | faces.share | 0.3333 |",
        "| a | odd\\| | x |",
    ]
    assert describe(graph, outcomes) == "1 ran, 1 failed, 1 not run: b failed"


def test_an_experiment_is_shown_and_no_branch_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    Repo.init().close()
    metrics = tmp_path / "metrics.json"
    for text in ("of the branch", "of the experiment"):
        metrics.write_text(text)
        project.commit(text)
    project.run("git", "branch", "short", "HEAD~1")
    made = project.run("git", "rev-parse", "HEAD").strip()
    project.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    project.run("git", "update-ref", find_reference("short"), made)
    read = read_experiment(tmp_path, "short")
    assert read(Path("metrics.json")) == b"of the experiment"


def test_a_flow_loads_nothing_that_draws_or_trains() -> None:
    slow = {"torch", "mlflow", "matplotlib", "pandas", "scipy", "sklearn"}
    assert not slow & modules_loaded("import flows.study")


# Runs


def test_a_failing_stage_fails_the_flow_and_the_command(tmp_path: Path, server: str) -> None:
    make_project(tmp_path, FAILING)
    ended = subprocess.run(
        [sys.executable, "-m", "flows.study"],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_API_URL": server, SWITCH: "on"},
        capture_output=True,
        text=True,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "2 ran, 1 failed, 1 not run: bad failed" in said
    assert "no faces" in said
    assert "temporary server" not in said
    assert set(locked(tmp_path)) == {"source", "heavy"}
    assert not (tmp_path / "after.txt").exists()

    def parents() -> list[Any]:
        return [run for run in find_runs(tmp_path, "") if "mlflow.parentRunId" not in run.data.tags]

    wait_for(lambda: [run.info.status for run in parents()] == ["FAILED"])


def test_an_interrupt_ends_everything_at_once(tmp_path: Path) -> None:
    make_project(tmp_path, SLOW)
    log = tmp_path / "log"
    with (
        log.open("w") as output,
        in_terminal(
            [sys.executable, "-m", "flows.study"], cwd=tmp_path, stdout=output, stderr=output
        ) as process,
    ):
        wait_for(lambda: "slow starts" in log.read_text())
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 3  # Prefect's server, dvc and the stage
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
        assert process.wait(timeout=50) == 130
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive


@dataclass
class Studied:
    """What is left of a study that ran; task runs are as Prefect's server has them, by stage."""

    root: Path
    plain: Path
    name: str
    tasks: dict[str, Any]
    artifact: str


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory, server: str) -> Studied:
    from prefect import get_client
    from prefect.artifacts import Artifact
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    root = make_project(tmp_path_factory.mktemp("study"), STAGES)
    plain = make_project(tmp_path_factory.mktemp("plain"), STAGES)
    subprocess.run([sys.executable, "-m", "dvc", "-q", "repro"], cwd=plain, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("MEET", "1")
        patch.setenv(SWITCH, "on")
        state = study_module.study(return_state=True)
    assert state.is_completed(), state
    flow_run = state.state_details.flow_run_id
    assert isinstance(flow_run, UUID)
    only, tasks = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])), {}
    with get_client(sync_client=True) as client:

        def all_ended() -> bool:  # the server hears of it a moment later
            found = client.read_task_runs(flow_run_filter=only)
            tasks.update({run.name: run for run in found})
            return len(tasks) == len(NAMES) and all(run.end_time for run in found)

        wait_for(all_ended)
        name = client.read_flow_run(flow_run).name
    page = Artifact.get("study")
    assert page is not None
    return Studied(root, plain, name, tasks, str(page.data))


def test_every_stage_runs_beside_others_but_no_heavy_one_beside_another(studied: Studied) -> None:
    # That a light stage overlaps the heavy ones and those not one another, the stages see to:
    # they fail otherwise.
    states = {name: run.state_name for name, run in studied.tasks.items()}
    assert states == dict.fromkeys(NAMES, "Completed")
    # Prefect shows the one that waits for its turn as pending: it starts when the other has ended.
    first, second = sorted(
        (studied.tasks[name] for name in ("fit@a", "fit@b")), key=lambda run: run.start_time
    )
    assert first.end_time <= second.start_time


def test_outputs_and_lock_are_those_of_plain_dvc(studied: Studied) -> None:
    assert locked(studied.root) == locked(studied.plain)
    outputs = sorted(path.name for path in studied.plain.glob("*.txt"))
    assert len(outputs) == 5
    for name in [*outputs, "source.json"]:
        assert (studied.root / name).read_bytes() == (studied.plain / name).read_bytes()


def test_one_run_of_the_flow_is_one_parent_run_in_mlflow_and_one_page(studied: Studied) -> None:
    def found() -> list[Any]:
        return find_runs(studied.root, f"attributes.run_name = '{studied.name}'")

    # The recorder closes it a moment after the flow has ended.
    wait_for(lambda: [run.info.status for run in found()] == ["FINISHED"])
    [parent] = found()

    def children() -> set[str]:
        parent_is = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
        return {run.info.run_name for run in find_runs(studied.root, parent_is)}

    wait_for(lambda: children() == {"source", "fit-a", "fit-b", "light", "both"})
    assert "| fit@b | ran | " in studied.artifact
    assert "| source | faces.share | 0.3333 |" in studied.artifact


def locked(root: Path) -> dict[str, object]:
    stages: dict[str, object] = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    return stages


def find_runs(root: Path, query: str) -> list[Any]:
    from pipeline.record.mlflow_store import connect

    address = find_address(root)
    store = connect(address.uri, address.experiment, root)
    return list(store.client.search_runs([store.experiment], query))
