"""The flow: units without Prefect, then a small DVC project through real Prefect servers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import yaml
from dvc.repo import Repo
from flows.graph import Graph, Stage, read_graph
from flows.output import read_lines, read_text
from flows.show import Workspace
from flows.stage import Outcome, reproduce
from flows.summary import describe, summarise
from flows.turns import take_turns
from hypothesis import given
from hypothesis import strategies as st

import flows  # noqa: F401 (its settings come before Prefect is imported)
from flows import study as study_module
from pipeline.errors import UserError
from pipeline.tracking import places

from .imports import modules_loaded

PROJECT = Path(__file__).resolve().parents[1]

WORK = """
import json, os, sys, time
from pathlib import Path
from pipeline.compute_slot import compute_slot
from pipeline.tracking.journal import stage_run


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
            time.sleep(1)
            Path("busy").unlink()
    if os.environ.get("MEET") and name != "source":
        meet("light.here", "heavy.here") if name == "light" else meet("heavy.here", "light.here")
    if "bad" in what:
        print("no faces", file=sys.stderr)
        raise SystemExit(3)
    Path(f"{name}.txt").write_text(name)
    if name == "source":
        print("group", os.getpgrp(), "key", os.environ.get("STUDY_REPRODUCTION"))
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

FAILING = """
stages:
  source: {cmd: python work.py source, outs: [source.txt, source.json]}
  bad: {cmd: python work.py bad bad, deps: [source.txt], outs: [bad.txt]}
  after: {cmd: python work.py after, deps: [bad.txt], outs: [after.txt]}
  aside: {cmd: python work.py aside, deps: [source.txt], outs: [aside.txt]}
"""

SLOW = "stages: {slow: {cmd: python work.py slow slow, outs: [slow.txt]}}"

NAMES = ["source", "fit@a", "fit@b", "light", "both"]


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "DVC_ROOT"):
            patch.delenv(name, raising=False)
        # Each record costs a process and a database; two tests look at one.
        patch.setenv(places.SWITCH, "off")
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.setenv("PYTHONPATH", str(PROJECT))
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, STAGES)


def make_project(root: Path, stages: str) -> Path:
    Repo.init(str(root), no_scm=True).close()
    (root / "dvc.yaml").write_text(stages)
    (root / "work.py").write_text(WORK)
    shutil.copy(PROJECT / "params.yaml", root)
    return root


# The graph


def test_graph_has_stages_in_order_with_what_they_need(project: Path) -> None:
    assert read_graph(project).stages == (
        Stage("source", metrics=("source.json",)),
        Stage("fit@a", ("source",), is_heavy=True),
        Stage("fit@b", ("source",), is_heavy=True),
        Stage("light", ("source",)),
        Stage("both", ("fit@a", "fit@b", "light")),
    )


def test_graph_knows_data_and_stages_that_dvc_addresses_by_file(project: Path) -> None:
    (project / "raw.csv").write_text("faces")
    (project / "sub").mkdir()
    (project / "sub" / "dvc.yaml").write_text(
        "stages: {copy: {cmd: cp ../raw.csv ., deps: [../raw.csv], outs: [raw.csv]}}"
    )
    with Repo(str(project)) as repo:
        repo.add(str(project / "raw.csv"))
    stages = {stage.name: stage for stage in read_graph(project).stages}
    assert stages["sub/dvc.yaml:copy"].needs == ("raw.csv.dvc",)
    assert reproduce("raw.csv.dvc", project, str).state == "cached"
    assert reproduce("sub/dvc.yaml:copy", project, str).state == "ran"


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], NAMES),
        (["source"], ["source"]),
        (["light"], ["source", "light"]),
        (["fit"], ["source", "fit@a", "fit@b"]),
        (["light", "fit@b"], ["source", "fit@b", "light"]),
        (["both"], NAMES),
    ],
)
def test_targets_bring_all_they_need(targets: list[str], expected: list[str]) -> None:
    graph = Graph(
        (
            Stage("source"),
            Stage("fit@a", ("source",)),
            Stage("fit@b", ("source",)),
            Stage("light", ("source",)),
            Stage("both", ("fit@a", "fit@b", "light")),
        )
    )
    assert [stage.name for stage in graph.select(targets).stages] == expected


def test_closure_goes_all_the_way_up() -> None:
    graph = Graph((Stage("a"), Stage("b", ("a",)), Stage("c", ("b",)), Stage("d", ("c",))))
    assert [stage.name for stage in graph.select(["c"]).stages] == ["a", "b", "c"]


def test_unknown_target_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'fits' is not in dvc.yaml; there are: source, fit@a"):
        Graph((Stage("source"), Stage("fit@a"))).select(["source", "fits"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("stages: {a: {cmd: [}", "dvc.yaml"), ("stages: {a: {outs: [x]}}", "dvc.yaml"), ("", "no st")],
)
def test_unreadable_project_is_the_users_error(tmp_path: Path, text: str, message: str) -> None:
    make_project(tmp_path, text)
    with pytest.raises(UserError, match=message):
        read_graph(tmp_path)


def test_folder_without_dvc_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        read_graph(tmp_path)


# A stage's output


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\n\r\n\ntwo", ["one", "two"]),
        ("\r  0%|\r 50%|\r100%|\nsaved\n", ["  0%|", "100%|", "saved"]),
        ("\r  0%|\r 50%|\r 60%|\r\n", ["  0%|", " 60%|"]),
        ("\r  0%|\r 50%|\r 60%|\r", ["  0%|", " 60%|"]),
        ("\x1b[31mred\x1b[0m\x1b[A\n", ["red"]),
    ],
)
def test_lines_without_empty_ones_and_bars_thinned_out(text: str, lines: list[str]) -> None:
    assert list(read_lines([text], clock=lambda: 0.0)) == lines


def test_a_bar_is_shown_now_and_then() -> None:
    now = iter(range(100))
    text = "".join(f"\rstep {step}" for step in range(10)) + "\n"
    assert list(read_lines([text], between_bars=4, clock=lambda: next(now))) == [
        "step 0",
        "step 4",
        "step 8",
        "step 9",
    ]


@given(st.lists(st.text(alphabet="ab \r\n", max_size=6), max_size=12))
def test_lines_do_not_depend_on_where_the_text_is_cut(pieces: list[str]) -> None:
    def lines(pieces: list[str]) -> list[str]:
        return list(read_lines(pieces, clock=lambda: 0.0))

    assert lines(pieces) == lines(["".join(pieces)])


def test_text_is_decoded_across_reads_and_never_fails() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        text = read_text(pipe)
        os.write(writing, "sé".encode()[:2])
        assert next(text) == "s"
        os.write(writing, "sé".encode()[2:] + b"\xff")
        os.close(writing)
        assert "".join(text) == "é\N{REPLACEMENT CHARACTER}"


# One stage


@pytest.mark.study
def test_a_stage_runs_once_then_is_cached_unless_forced(project: Path) -> None:
    lines: list[str] = []
    first = reproduce("source", project, lines.append, environment={"STUDY_REPRODUCTION": "k"})
    assert (first.state, first.message) == ("ran", f"ran in {first.seconds:.1f} s")
    # In this process's group, so that whoever ends the group ends the stage.
    assert f"group {os.getpgrp()} key k" in lines
    assert reproduce("source", project, str).state == "cached"
    (project / "source.txt").unlink()
    assert reproduce("source", project, str).state == "cached"  # restored from DVC's cache
    assert reproduce("source", project, str, force=True).state == "ran"


def test_a_stage_that_talks_like_dvc_still_ran(tmp_path: Path) -> None:
    make_project(
        tmp_path, """stages: {sly: {cmd: "echo \\"Stage 'sly' didn't change, skipping\\""}}"""
    )
    assert reproduce("sly", tmp_path, str).state == "ran"


def test_a_failed_stage_says_its_last_lines(tmp_path: Path) -> None:
    make_project(tmp_path, FAILING)
    reproduce("source", tmp_path, str)
    outcome = reproduce("bad", tmp_path, str)
    assert outcome.state == "failed"
    assert "exit status 255" in outcome.message
    assert "\nno faces\n" in outcome.message


# The page at the end


def test_summary_has_states_and_metrics(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"faces": {"kept": 7, "share": 0.33333333}, "odd|": "x"}')
    graph = Graph((Stage("a", metrics=("a.json", "gone.json")), Stage("b"), Stage("c")))
    outcomes = {"a": Outcome("ran", 1.26, ""), "b": Outcome("failed", 2, "")}
    assert summarise(graph, outcomes, Workspace(tmp_path).read).splitlines() == [
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


# The command


@pytest.mark.parametrize(
    ("arguments", "spoil", "message"),
    [
        (["fits"], None, "study: error: stage 'fits' is not in dvc.yaml"),
        ([], r"epochs: \d+", "train.cnn.epochs = 0"),
    ],
)
def test_mistakes_are_named_before_anything_starts(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    spoil: str | None,
    message: str,
) -> None:
    if spoil:
        params = project / "params.yaml"
        params.write_text(re.sub(spoil, "epochs: 0", params.read_text(), count=1))
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    assert study_module.main() == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "server" not in said.out


@pytest.mark.study
def test_a_flow_loads_nothing_that_draws_or_trains() -> None:
    slow = {"torch", "mlflow", "matplotlib", "pandas", "scipy", "sklearn"}
    assert not slow & modules_loaded("import flows.study")


@pytest.mark.study
def test_a_failing_stage_fails_the_flow_and_the_command(tmp_path: Path, server: str) -> None:
    make_project(tmp_path, FAILING)
    ended = subprocess.run(
        [sys.executable, "-m", "flows.study"],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_API_URL": server, places.SWITCH: "on"},
        capture_output=True,
        text=True,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "2 ran, 1 failed, 1 not run: bad failed" in said
    assert "no faces" in said
    assert "temporary server" not in said
    assert set(locked(tmp_path)) == {"source", "aside"}
    assert not (tmp_path / "after.txt").exists()
    [parent] = [run for run in find_runs(tmp_path, "") if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == "FAILED"


@pytest.mark.study
def test_an_interrupt_ends_everything_at_once(tmp_path: Path) -> None:
    make_project(tmp_path, SLOW)
    command = [sys.executable, "-m", "flows.study"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # As under a terminal; what a shell runs in the background ignores the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
    ):
        try:
            wait_for(lambda: "slow starts" in (tmp_path / "log").read_text())
            family = psutil.Process(process.pid).children(recursive=True)
            assert len(family) >= 3  # Prefect's server, dvc and the stage
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C
            assert process.wait(timeout=20) == 130
            _, alive = psutil.wait_procs(family, timeout=5)
            assert not alive
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


# A whole small study


@dataclass
class Studied:
    """What is left of a study that ran twice; states are as Prefect's server has them."""

    root: Path
    plain: Path
    first: dict[str, str]
    second: dict[str, str]
    first_name: str
    artifact: str


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory, server: str) -> Studied:
    from prefect.artifacts import Artifact

    root = make_project(tmp_path_factory.mktemp("study"), STAGES)
    plain = make_project(tmp_path_factory.mktemp("plain"), STAGES)
    subprocess.run([sys.executable, "-m", "dvc", "-q", "repro"], cwd=plain, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("MEET", "1")
        patch.setenv(places.SWITCH, "on")
        name, first = run_flow()
        page = Artifact.get("study")
        assert page is not None
        return Studied(root, plain, first, run_flow()[1], name, str(page.data))


def run_flow() -> tuple[str, dict[str, str]]:
    """Run all of it; returns the flow run's name and the state of each task."""
    from prefect import get_client

    state = study_module.study(return_state=True)
    assert state.is_completed(), state
    run_id = state.state_details.flow_run_id
    assert isinstance(run_id, UUID)
    with get_client(sync_client=True) as client:
        name = client.read_flow_run(run_id).name
        wait_for(lambda: set(task_states(run_id).values()) <= {"Completed", "Cached"})
    return name, task_states(run_id)


def task_states(flow_run: UUID) -> dict[str, str]:
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    only = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(flow_run_filter=only)
    return {run.name: str(run.state_name) for run in runs}


@pytest.mark.study
def test_first_every_stage_runs_then_every_one_is_cached(studied: Studied) -> None:
    # That a light stage overlaps the heavy ones and those not one another, the stages see to:
    # they fail otherwise.
    assert studied.first == dict.fromkeys(NAMES, "Completed")
    assert studied.second == dict.fromkeys(NAMES, "Cached")


@pytest.mark.study
def test_outputs_and_lock_are_those_of_plain_dvc(studied: Studied) -> None:
    assert locked(studied.root) == locked(studied.plain)
    outputs = sorted(path.name for path in studied.plain.glob("*.txt"))
    assert len(outputs) == 5
    for name in [*outputs, "source.json"]:
        assert (studied.root / name).read_bytes() == (studied.plain / name).read_bytes()


@pytest.mark.study
def test_one_run_of_the_flow_is_one_parent_run_in_mlflow(studied: Studied) -> None:
    [parent] = find_runs(studied.root, f"attributes.run_name = '{studied.first_name}'")
    children = find_runs(studied.root, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert parent.info.status == "FINISHED"
    assert {run.info.run_name for run in children} == {"source", "fit-a", "fit-b", "light", "both"}


@pytest.mark.study
def test_the_page_is_an_artifact(studied: Studied) -> None:
    assert "| fit@b | ran | " in studied.artifact
    assert "| source | faces.share | 0.3333 |" in studied.artifact


def test_a_flow_by_hand_waits_while_another_works_on_the_workspace(tmp_path: Path) -> None:
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    lines: list[str] = []

    def second() -> None:
        with take_turns(tmp_path, lines.append):
            lines.append("second works")

    with take_turns(tmp_path, lines.append):
        thread = threading.Thread(target=second)
        thread.start()
        wait_for(lambda: bool(lines))
        lines.append("first ends")
        with take_turns(tmp_path, lines.append, wanted=False):  # an experiment works elsewhere
            pass
    thread.join(10)
    assert lines == [
        "another flow works on this workspace: waits for its turn", "first ends", "second works",
    ]  # fmt: skip


def locked(root: Path) -> dict[str, object]:
    stages: dict[str, object] = yaml.safe_load((root / "dvc.lock").read_text())["stages"]
    return stages


def find_runs(root: Path, query: str) -> list[Any]:
    from pipeline.tracking.store import connect

    store = connect(places.find_address(root), root)
    return list(store.client.search_runs([store.experiment], query))


def wait_for(happens: Callable[[], bool], timeout: float = 300.0) -> None:
    end = time.monotonic() + timeout
    while not happens():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
