"""Workers: real Prefect and MLflow servers, real workers, a small project of DVC's under git."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import pytest

from flows.servers import PREFECT_HEALTH, answers
from pipeline.priority import NICE

from ..browser import BROWSER, PATIENCE, QUIET, find_playwright, needs_browser
from ..conftest import ROOT
from ..project import Project, free_port, new_project, wait_for

pytestmark = pytest.mark.study

STAGES = """
stages:
  split:
    cmd: python work.py split
    deps: ["${data.source}", work.py]
    params: [split]
    outs: [split.txt]
  evaluate:
    cmd: python work.py evaluate
    deps: [split.txt, work.py]
    params: [train]
    outs: [curve.txt]
    metrics: [artifacts/evaluate/metrics.json: {cache: false}]
    meta:
      compute: heavy
      record:
        model:
          name: image-sentiment-cnn
          files: [artifacts/evaluate/weights.safetensors, artifacts/evaluate/model.json]
          scores: scores.json
          measure: cnn
          faces: [split.txt]
  confusion:
    cmd: python work.py confusion
    deps: [curve.txt, work.py]
    outs: [artifacts/confusion/figures]
  aside:
    cmd: python work.py aside
    deps: [split.txt, work.py]
    params: [train]
    outs: [aside.txt]
"""

WORK = """
import json, os, pathlib, sys, time
from ruamel.yaml import YAML
from pipeline.compute_slot import compute_slot
from pipeline.dvc_yaml import find_entry
from pipeline.record.stage_run import stage_run

name = sys.argv[1]
params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
epochs, seed = params["train"]["cnn"]["epochs"], params["train"]["cnn"]["seed"]
with open(os.environ["WITNESS"], "a") as witness:
    witness.write(f"{name} {epochs} {seed}\\n")
meta = find_entry(name, pathlib.Path("dvc.yaml")).record
with stage_run(name, {"epochs": epochs}, meta=meta):
    if name == "split":
        pathlib.Path("split.txt").write_text(pathlib.Path(params["data"]["source"]).read_text())
    if name == "aside":
        pathlib.Path("aside.txt").write_text(str(epochs))
    if name == "confusion":
        figures = pathlib.Path("artifacts/confusion/figures")
        figures.mkdir(parents=True, exist_ok=True)
        square = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect/></svg>'
        (figures / "cnn.svg").write_text(square)
    if name == "evaluate":
        while pathlib.Path(os.environ["WITNESS"] + ".hold").exists():
            time.sleep(0.05)
        kill = pathlib.Path(os.environ["WITNESS"] + ".kill")
        if kill.exists():
            kill.unlink()
            os.kill(os.getpid(), 9)
        with compute_slot():
            out = pathlib.Path("artifacts/evaluate/metrics.json")
            out.parent.mkdir(parents=True, exist_ok=True)
            (out.parent / "weights.safetensors").unlink(missing_ok=True)
            accuracy = epochs / 100 + seed / 1000
            out.write_text(json.dumps({"cnn": {"accuracy": accuracy}, "dnn": {"accuracy": 0.1}}))
            pathlib.Path("curve.txt").write_text(str(epochs))
        # Of the first faces alone, and not in grids: a model takes seconds.
        if pathlib.Path("split.txt").read_text() == "face" and epochs in (24, 7):
            from pipeline.networks.classifier import Architecture, Classifier
            from pipeline.networks.store import save_classifier

            save_classifier(Classifier(Architecture("small-dnn", 0.0, "scale")).eval(), out.parent)
            interval = {"low": accuracy - 0.05, "high": accuracy + 0.05}
            scores = {"accuracy": accuracy, "accuracy_interval": interval}
            (out.parent / "scores.json").write_text(json.dumps({"cnn": scores}))
"""

GRID = """
title: How long?
measure: cnn.accuracy
against: dnn.accuracy
stages: [evaluate]
vary:
  length:
    short: {train: {cnn: {epochs: 10}}}
    long: {train: {cnn: {epochs: 20}}}
seeds: {keys: [train.cnn.seed], values: [1]}
"""

EXPERIMENTS = {"lengths-short-1", "lengths-long-1"}

NAMES = ("split", "evaluate", "confusion", "aside")


class Site(Project):
    """A project with servers and workers of its own."""

    folder: Path

    def __init__(self, folder: Path) -> None:
        super().__init__(new_project(folder).folder)
        self.ports = free_port(), free_port()
        self.prefect, self.mlflow = (f"http://127.0.0.1:{port}" for port in self.ports)
        self.witness = folder.parent / "witness"
        self.environment |= {
            "PYTHONPATH": str(ROOT),
            "PREFECT_SERVER_API_PORT": str(self.ports[0]),
            "MLFLOW_PORT": str(self.ports[1]),
            "PREFECT_API_URL": f"{self.prefect}/api",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
            "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_HOME": str(folder.parent / "home"),
            "WITNESS": str(self.witness),
            "TMPDIR": str(folder.parent),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def write(self) -> None:
        self.run("dvc", "init", "--quiet")
        (self.folder / "dvc.yaml").write_text(STAGES)
        (self.folder / "work.py").write_text(WORK)
        (self.folder / "data").mkdir()
        (self.folder / "data" / "sample").write_text("face")
        (self.folder / "grids").mkdir()
        (self.folder / "grids" / "lengths.yaml").write_text(GRID)
        shutil.copy(ROOT / "prefect.yaml", self.folder)
        # The first number of epochs is the CNN's; the accuracies below are made from it.
        params = re.sub(r"epochs: \d+", "epochs: 24", (ROOT / "params.yaml").read_text(), count=1)
        (self.folder / "params.yaml").write_text(params)
        # Deployments name flows by file.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "flows", self.folder / "flows", ignore=ignored)
        # The record, at low priority, may take longer where both cores are busy with tests.
        for name, seconds in (("study.py", "SHIPPING = 120.0"), ("grid.py", "KNOWN = 60.0")):
            module = self.folder / "flows" / name
            text = module.read_text()
            assert seconds in text
            module.write_text(text.replace(seconds, f"{seconds.split()[0]} = 400.0"))
        (self.folder / ".gitignore").write_text("/.prefect/\n/.record/\n/mlflow.db*\n/mlruns/\n")
        self.commit("small")

    def start(self, module: str) -> "subprocess.Popen[bytes]":
        log = (self.folder.parent / f"{module}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=self.folder, env=self.environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def log(self, module: str) -> str:
        return (self.folder.parent / f"{module}.log").read_text(errors="replace")

    def said(self) -> str:
        return self.log("flows.servers")[-2000:] + self.log("flows.worker")[-2000:]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def ask(self, deployment: str = "study/by-hand", **parameters: object) -> UUID:
        from prefect.deployments import run_deployment

        run = run_deployment(
            deployment, parameters=parameters, timeout=0, as_subflow=False,
            # Prefect's client asks again where a busy server gives no answer for a minute.
            idempotency_key=str(uuid4()),
        )  # fmt: skip
        return run.id

    def client(self):
        """Prefect's, for a `with`."""
        from prefect import get_client

        return get_client(sync_client=True)

    def state(self, run: UUID):
        with self.client() as client:
            return client.read_flow_run(run).state

    def end_of(self, run: UUID):
        wait_for(lambda: self.state(run).is_final(), explain=self.said)
        return self.state(run)

    def tasks(self, run: UUID) -> dict[str, str]:
        return {task.name: str(task.state_name) for task in self.task_runs(run)}

    def wait_for_tasks(self, run: UUID, expected: dict[str, str]) -> None:
        """Wait until the server has heard of their ends: it hears of the flow run's by itself."""
        wait_for(lambda: self.tasks(run) == expected, explain=lambda: str(self.tasks(run)))

    def task_runs(self, run: UUID) -> list[Any]:
        from prefect.client.schemas.filters import FlowRunFilter

        only = FlowRunFilter.model_validate({"id": {"any_": [run]}})
        with self.client() as client:
            return list(client.read_task_runs(flow_run_filter=only))

    def artifacts(self, run: UUID) -> dict[str, str]:
        from prefect.client.schemas.filters import ArtifactFilter

        only = ArtifactFilter.model_validate({"flow_run_id": {"any_": [run]}})
        with self.client() as client:
            return {str(found.key): str(found.data) for found in client.read_artifacts(
                artifact_filter=only)}  # fmt: skip

    def runs(self) -> dict[str, Any]:
        """Runs in MLflow by name, the newest of each."""
        from mlflow import MlflowClient

        client = MlflowClient(self.mlflow)
        experiment = client.get_experiment_by_name("image-sentiment")
        found = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
        return {run.info.run_name: run for run in found}

    def is_recorded(self, name: str, status: str) -> bool:
        """Whether a run of the name is in MLflow, with the status."""
        run = self.runs().get(name)
        return run is not None and run.info.status == status

    def witnessed(self) -> list[str]:
        return self.witness.read_text().splitlines() if self.witness.exists() else []

    @contextmanager
    def held(self) -> Iterator[None]:
        """As long as this lasts, the stage `evaluate` works and does not end."""
        hold = self.witness.with_name("witness.hold")
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    @contextmanager
    def epochs(self, number: int) -> Iterator[None]:
        """The workspace's parameters with another number, so that `evaluate` has to run."""
        path = self.folder / "params.yaml"
        text = path.read_text()
        path.write_text(text.replace("epochs: 24", f"epochs: {number}", 1))
        try:
            yield
        finally:
            path.write_text(text)

    def wait_for_stage(self) -> None:
        wait_for(lambda: processes_of(self, "work.py evaluate"), explain=self.said)

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many have started, counted from the beginning."""
        wait_for(lambda: self.log("flows.worker").count(" started!") >= count, explain=self.said)

    def cancel(self, run: UUID) -> None:
        from prefect.states import Cancelling

        with self.client() as client:
            client.set_flow_run_state(run, Cancelling())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

    site = Site(tmp_path_factory.mktemp("site") / "small")
    site.write()
    try:
        site.start("flows.servers")
        site.start("flows.worker")
        settings = {PREFECT_API_URL: f"{site.prefect}/api", PREFECT_HOME: site.folder.parent / "h"}
        with temporary_settings(settings), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PREFECT_API_URL", f"{site.prefect}/api")
            site.wait_for_workers(2)
            yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def together(site: Site) -> list[UUID]:
    """The first two flow runs, asked for at once, in the order in which they ran.

    A signal kills `evaluate` when it runs for the first time.
    """
    site.witness.with_name("witness.kill").touch()
    runs = [site.ask() for _ in range(2)]
    for run in runs:
        assert site.end_of(run).is_completed()
    with site.client() as client:
        return sorted(runs, key=lambda run: str(client.read_flow_run(run).start_time))


@pytest.fixture(scope="module")
def studied(together: list[UUID]) -> UUID:
    """The first flow run: everything runs."""
    return together[0]


@pytest.fixture(scope="module")
def seven(site: Site, studied: UUID) -> UUID:
    """A flow run with another parameter."""
    run = site.ask(overrides={"train.cnn.epochs": 7}, experiment="seven")
    assert site.end_of(run).is_completed()
    return run


def test_servers_give_way_to_trainings_and_workers_do_not(site: Site) -> None:
    for words in ("prefect server", "mlflow server", "uvicorn"):
        assert {process.nice() for process in processes_of(site, words)} == {NICE}, words
    workers = processes_of(site, "prefect worker")
    assert {process.nice() for process in workers} == {psutil.Process().nice()}


def test_a_page_from_elsewhere_may_not_command_prefect(site: Site) -> None:
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for origin, allowed in ((site.prefect, site.prefect), ("https://elsewhere.example", None)):
        headers = asks | {"Origin": origin}
        answer = httpx.options(f"{site.prefect}/api/deployments/filter", headers=headers)
        assert answer.headers.get("access-control-allow-origin") == allowed, origin


def test_mlflow_answers_behind_a_proxy_that_passes_its_name_on(site: Site) -> None:
    for host, expected in (("127.0.0.1", 200), ("localhost", 200), ("elsewhere.example", 403)):
        answer = httpx.get(f"{site.mlflow}/", headers={"Host": host})
        assert answer.status_code == expected, host


def test_the_first_run_runs_everything_the_second_nothing_and_they_take_turns(
    site: Site, together: list[UUID]
) -> None:
    first, second = together
    site.wait_for_tasks(first, dict.fromkeys(NAMES, "Completed"))
    site.wait_for_tasks(second, dict.fromkeys(NAMES, "Cached"))
    with site.client() as client:
        earlier, later = map(client.read_flow_run, together)
    assert later.created < earlier.end_time  # while the first one ran, or waited
    assert earlier.end_time <= later.start_time


def test_a_stage_that_a_signal_kills_is_tried_again(site: Site, studied: UUID) -> None:
    ran = [line.split()[0] for line in site.witnessed()]
    assert {name: ran.count(name) for name in NAMES} == {
        "split": 1, "evaluate": 2, "confusion": 1, "aside": 1
    }  # fmt: skip


def test_a_person_sees_metrics_pictures_and_links(site: Site, studied: UUID) -> None:
    found = site.artifacts(studied)
    assert "| evaluate | cnn.accuracy | 0.24 |" in found["study"]
    assert found["confusion-cnn"].startswith("data:image/svg+xml;base64,")
    run = next(
        each for each in site.runs().values() if "mlflow.parentRunId" not in each.data.tags
    ).info
    page = f"{site.mlflow}/#/experiments/{run.experiment_id}/runs/{run.run_id}"
    assert page in found["mlflow"]
    assert httpx.get(site.mlflow).status_code == 200


def test_overrides_are_an_experiment_and_leave_the_workspace_alone(site: Site, seven: UUID) -> None:
    site.wait_for_tasks(seven, {**dict.fromkeys(NAMES, "Completed"), "split": "Cached"})
    assert "| evaluate | cnn.accuracy | 0.07 |" in site.artifacts(seven)["study"]
    assert "seven" in site.run("dvc", "exp", "list", "--name-only")
    assert site.json("artifacts/evaluate/metrics.json")["cnn"]["accuracy"] == 0.24
    wait_for(lambda: site.is_recorded("seven", "FINISHED"))


def test_a_rerun_that_is_worse_says_so_and_leaves_the_champion(
    site: Site, studied: UUID, seven: UUID
) -> None:
    from mlflow import MlflowClient

    assert "; takes the alias best: version 1, 24.0%" in site.state(studied).message
    verdict = site.state(seven).message
    assert "does not take the alias best: worse beyond its interval: version 2" in verdict
    client = MlflowClient(site.mlflow)
    assert client.get_model_version_by_alias("image-sentiment-cnn", "best").version == "1"
    assert client.get_model_version("image-sentiment-cnn", "2").tags["gate"] in verdict


def test_a_stage_of_an_experiment_is_shown_as_waiting_until_dvc_runs_it(
    site: Site, seven: UUID
) -> None:
    runs = sorted(site.task_runs(seven), key=lambda run: run.start_time)
    for earlier, later in pairwise(runs):
        # Two threads report the end and the start: by their clocks these may cross by milliseconds.
        crossed = earlier.end_time - later.start_time
        assert crossed < (earlier.end_time - earlier.start_time) / 4


def test_a_mistake_is_named_and_nothing_starts(site: Site, studied: UUID) -> None:
    before = site.witnessed()
    run = site.ask(overrides={"train.cnn.epochs": 0})
    end = site.end_of(run)
    assert end.is_failed()
    assert "train.cnn.epochs = 0" in end.message
    assert site.tasks(run) == {}
    assert site.witnessed() == before


def test_cancelling_ends_the_stage_at_once_and_a_restarted_server_costs_nothing(
    site: Site, studied: UUID
) -> None:
    before = site.witnessed()
    with site.epochs(97), site.held():
        run = site.ask(targets=["evaluate"])
        site.wait_for_stage()
        with site.client() as client:
            name = client.read_flow_run(run).name
        # A stage that is ended before it said that it begins leaves nothing to mark.
        wait_for(lambda: site.is_recorded(name, "RUNNING"))
        wait_for(lambda: site.is_recorded("evaluate", "RUNNING"))
        site.cancel(run)
        wait_for(lambda: not processes_of(site, "work.py"), 60)
        assert site.end_of(run).is_cancelled()
        wait_for(lambda: site.is_recorded(name, "KILLED"))
        wait_for(lambda: site.is_recorded("evaluate", "KILLED"))

        again = site.ask(targets=["evaluate"])
        site.wait_for_stage()
        kill_family(site.processes[0])
        wait_for(lambda: not answers(site.prefect, PREFECT_HEALTH))
        site.processes[0] = site.start("flows.servers")
        site.processes.pop()
        wait_for(lambda: answers(site.prefect, PREFECT_HEALTH), explain=site.said)
    assert site.end_of(again).is_completed()
    site.wait_for_tasks(again, {"split": "Cached", "evaluate": "Completed"})
    assert site.witnessed()[len(before) :] == ["evaluate 97 0", "evaluate 97 0"]
    wait_for(lambda: site.is_recorded("evaluate", "FINISHED"))


def test_a_cancelled_grid_takes_its_experiments_with_it(site: Site, studied: UUID) -> None:
    with site.held():
        grid = site.ask("grid/ablation", name="lengths")
        site.wait_for_stage()

        def asked() -> set[UUID]:
            with site.client() as client:
                runs = client.read_flow_runs(limit=200)
            return {run.id for run in runs if run.name in EXPERIMENTS}

        # The first may be at work before the second is asked for.
        wait_for(lambda: len(asked()) >= 2)
        children = asked()
        assert len(children) == 2
        site.cancel(grid)
        for run in (grid, *children):
            assert site.end_of(run).is_cancelled()
        assert not processes_of(site, "work.py")


def test_a_grid_runs_each_experiment_once_and_draws_its_report(site: Site, studied: UUID) -> None:
    before = site.witnessed()
    run = site.ask("grid/ablation", name="lengths")
    end = site.end_of(run)
    assert end.is_completed(), end.message
    done = site.witnessed()
    new = sorted(line for line in done[len(before) :] if line.startswith("evaluate"))
    assert new == ["evaluate 10 1", "evaluate 20 1"]
    shared = [line for line in done if line.startswith("split") and line.split()[1] != "24"]
    assert len(shared) <= 1  # of the grid that was cancelled, too
    listed = site.run("dvc", "exp", "list", "--name-only").splitlines()
    assert set(listed) >= EXPERIMENTS
    # The recorders close their runs a moment after their flow runs have ended.
    wait_for(lambda: all(site.is_recorded(n, "FINISHED") for n in ["grid lengths", *EXPERIMENTS]))
    runs = site.runs()
    parent = runs["grid lengths"]
    for name in EXPERIMENTS:
        assert runs[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert "20.1" in site.artifacts(run)["grid-lengths"]
    assert "+10.1" in site.artifacts(run)["grid-lengths"]
    for kind in ("csv", "md", "svg"):
        assert (site.folder / "artifacts" / "grids" / f"lengths.{kind}").stat().st_size


@pytest.fixture(scope="module")
def fired(site: Site, studied: UUID) -> tuple[Any, str]:
    """The flow run of a schedule that was switched on beside new data, and its first stage."""
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.schedules import IntervalSchedule

    before = len(site.witnessed())
    (site.folder / "data" / "sample").write_text("face, and a new one")
    with site.client() as client:
        nightly = client.read_deployment_by_name("study/nightly")
        (schedule,) = nightly.schedules
        assert (str(schedule.schedule.cron), schedule.active) == ("0 3 * * *", False)
        # The server, at low priority, plans it before.
        soon = datetime.now(UTC) + timedelta(seconds=15)
        hourly = IntervalSchedule(interval=timedelta(hours=1), anchor_date=soon)
        client.update_deployment_schedule(nightly.id, schedule.id, active=True, schedule=hourly)
        wait_for(lambda: site.witnessed()[before:], explain=site.said)
        begun = {"type": {"any_": ["RUNNING", "COMPLETED"]}}
        wanted = {"deployment_id": {"any_": [nightly.id]}, "state": begun}
        (run,) = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))
    assert site.end_of(run.id).is_completed()
    return run, site.witnessed()[before]


def test_a_schedule_fires_once_it_is_switched_on_and_picks_up_new_data(
    site: Site, fired: tuple[Any, str]
) -> None:
    run, first = fired
    assert run.auto_scheduled
    assert first.startswith("split")
    assert (site.folder / "split.txt").read_text() == "face, and a new one"


# From here on the worker is lost. Until the server notices that, tests follow that need none.


def test_silence_may_last_three_heartbeats(monkeypatch):
    from flows.deployments import read_automations

    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "120")
    assert [each.trigger.within.seconds for each in read_automations()] == [360, 600]


@pytest.fixture(scope="module")
def lost(site: Site, studied: UUID) -> tuple[UUID, list[str]]:
    """A flow run whose worker was killed with it, and what was done before."""
    from flows.deployments import read_automations

    # A run that is killed in its first seconds sends no heartbeat, so that 15 seconds of silence
    # are enough here. The next worker brings back what it says.
    wanted, _ = read_automations()
    wanted.trigger.within = timedelta(seconds=15)
    (site.folder / "data" / "sample").write_text("faces that came before the power cut")
    with site.client() as client:
        (known,) = client.read_automations_by_name(wanted.name)
        client.update_automation(known.id, wanted)
    with site.epochs(95), site.held():
        run = site.ask(targets=["evaluate"])
        wait_for(lambda: "evaluate 95 0" in site.witnessed(), explain=site.said)
        before = site.witnessed()
        kill_family(site.processes[1])
    return run, before


@needs_browser
def test_a_browser_shows_the_run_and_its_record(site: Site, studied: UUID, lost: object) -> None:
    driver = find_playwright()
    expect = driver.expect
    link = site.artifacts(studied)["mlflow"]
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{site.prefect}/runs/flow-run/{studied}")
        expect(page.get_by_text("Completed").first).to_be_visible()
        expect(page.get_by_text("Running stage 'evaluate'").first).to_be_visible()
        page.get_by_text("Task Runs", exact=True).click()
        for stage in ("split", "evaluate", "confusion"):
            expect(page.get_by_text(stage, exact=True).first).to_be_visible()
        page.get_by_text("Artifacts", exact=True).last.click()
        page.get_by_text("confusion-cnn").first.click()
        picture = page.locator("img[src^='data:image/svg+xml']").first
        expect(picture).to_be_visible()
        assert picture.evaluate("shown => shown.naturalWidth") > 0

        page.goto(link.partition("(")[2].rstrip(")"))
        name = next(name for name, run in site.runs().items() if run.info.run_id in link)
        expect(page.get_by_text(name).first).to_be_visible()
        expect(page.get_by_text("Finished").first).to_be_visible()
        browser.close()


@pytest.fixture(scope="module")
def noticed(site: Site, lost: tuple[UUID, list[str]]) -> Any:
    """How that flow run ended; the worker is back."""
    end = site.end_of(lost[0])
    site.start("flows.worker")
    return end


def test_a_worker_that_is_killed_is_noticed_and_nothing_finished_is_repeated(
    site: Site, lost: tuple[UUID, list[str]], noticed: Any
) -> None:
    assert (noticed.name, "heartbeats were missed" in noticed.message) == ("Crashed", True)
    again = site.ask(targets=["evaluate"])
    assert site.end_of(again).is_completed()
    site.wait_for_tasks(again, {"split": "Cached", "evaluate": "Completed"})
    assert [line.split()[0] for line in site.witnessed()[len(lost[1]) :]] == ["evaluate"]


def test_pools_and_deployments_come_from_files_any_number_of_times(
    site: Site, fired: object, noticed: object
) -> None:
    site.wait_for_workers(4)  # brought by the first two, and once more
    with site.client() as client:
        pools = {pool.name: pool.concurrency_limit for pool in client.read_work_pools()}
        deployments = client.read_deployments()
        automations = client.read_automations()
    assert pools == {"gpu": None, "control": None}
    assert {found.name for found in deployments} == {"by-hand", "nightly", "ablation"}
    for (step,) in (found.pull_steps[0].values() for found in deployments):
        assert step["directory"] == "{{ $STUDY_HOME }}"  # open: each worker has a clone of its own
    assert {found.trigger.within.seconds for found in automations} == {90, 600}
    # The user has switched it on, and may go on without looking after each start of a worker.
    assert [each.active for found in deployments for each in found.schedules] == [True]


def kill_family(leader: "subprocess.Popen[bytes]") -> None:
    process = psutil.Process(leader.pid)
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            each.kill()


def processes_of(site: Site, words: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            inside = process.environ().get("WITNESS") == str(site.witness)
            if inside and words in " ".join(process.cmdline()) and "sh" not in process.name():
                found.append(process)
    return found
