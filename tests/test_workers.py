"""Workers: real Prefect and MLflow servers, real workers, a small project of DVC's under git."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import yaml
from flows.plan import make_plan, seconds

from pipeline.errors import UserError
from pipeline.priority import NICE

from .conftest import ROOT
from .project import new_project

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
    meta: {compute: heavy}
  confusion:
    cmd: python work.py confusion
    deps: [curve.txt, work.py]
    outs: [artifacts/confusion/figures]
"""

WORK = """
import json, os, pathlib, sys, time
from ruamel.yaml import YAML
from pipeline.compute_slot import compute_slot
from pipeline.tracking.journal import stage_run

name = sys.argv[1]
params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
epochs, seed = params["train"]["cnn"]["epochs"], params["train"]["cnn"]["seed"]
with open(os.environ["WITNESS"], "a") as witness:
    witness.write(f"{name} {epochs} {seed}\\n")
with stage_run(name, {"epochs": epochs}) as journal:
    if name == "split":
        pathlib.Path("split.txt").write_text(pathlib.Path(params["data"]["source"]).read_text())
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
            accuracy = epochs / 100 + seed / 1000
            out.write_text(json.dumps({"cnn": {"accuracy": accuracy}, "dnn": {"accuracy": 0.1}}))
            pathlib.Path("curve.txt").write_text(str(epochs))
        # Of the first faces alone, and not in grids: a model takes seconds.
        if pathlib.Path("split.txt").read_text() == "face" and epochs in (24, 7):
            import numpy as np
            from pipeline.networks.classifier import Architecture, Classifier
            from pipeline.networks.store import save_classifier

            folder = pathlib.Path("weights")
            folder.mkdir()
            save_classifier(Classifier(Architecture("small-dnn", 0.0, "scale")).eval(), folder)
            journal.model(
                folder, example=np.zeros((2, 1, 48, 48), np.float32), accuracy=accuracy,
                interval=(accuracy - 0.05, accuracy + 0.05), measured_on="these",
            )
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

PATIENCE = 300.0
"""Seconds; servers give way to whatever else runs here."""

EXPERIMENTS = {"lengths-short-1", "lengths-long-1"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Site:
    """A project with servers and workers of its own."""

    def __init__(self, folder: Path) -> None:
        self.project = new_project(folder)
        self.folder = folder
        self.ports = free_port(), free_port()
        self.prefect, self.mlflow = (f"http://127.0.0.1:{port}" for port in self.ports)
        self.witness = folder.parent / "witness"
        self.environment = {
            **self.project.environment,
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
        self.project.environment = self.environment
        self.processes: list[subprocess.Popen[bytes]] = []

    def write(self) -> None:
        self.project.run("dvc", "init", "--quiet")
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
        # Deployments name flows by file. A copy: a test waits for less than automations.yaml says.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "flows", self.folder / "flows", ignore=ignored)
        (self.folder / ".gitignore").write_text("/.prefect/\n/.tracking/\n/mlflow.db*\n/mlruns/\n")
        self.project.commit("small")

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

        run = run_deployment(deployment, parameters=parameters, timeout=0, as_subflow=False)
        return run.id

    def state(self, run: UUID):
        from prefect import get_client

        with get_client(sync_client=True) as client:
            return client.read_flow_run(run).state

    def end_of(self, run: UUID):
        wait_for(lambda: self.state(run).is_final(), tell=self.said)
        return self.state(run)

    def tasks(self, run: UUID) -> dict[str, str]:
        from prefect import get_client
        from prefect.client.schemas.filters import FlowRunFilter

        only = FlowRunFilter.model_validate({"id": {"any_": [run]}})
        with get_client(sync_client=True) as client:
            found = client.read_task_runs(flow_run_filter=only)
        return {task.name: str(task.state_name) for task in found}

    def artifacts(self, run: UUID) -> dict[str, str]:
        from prefect import get_client
        from prefect.client.schemas.filters import ArtifactFilter

        only = ArtifactFilter.model_validate({"flow_run_id": {"any_": [run]}})
        with get_client(sync_client=True) as client:
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
        """Whether a run of the name is in MLflow, with the status; it is told of a moment later."""
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
        wait_for(lambda: processes_of(self, "work.py evaluate"), tell=self.said)

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many have started, counted from the beginning."""
        wait_for(lambda: self.log("flows.worker").count(" started!") >= count, tell=self.said)

    def cancel(self, run: UUID) -> None:
        from prefect import get_client
        from prefect.states import Cancelling

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())


def wait_for(happens, timeout=PATIENCE, tell=lambda: ""):
    end = time.monotonic() + timeout
    while not happens():
        assert time.monotonic() < end, f"waited in vain: {tell()}"
        time.sleep(0.2)


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
    """The first two flow runs, asked for at once, in the order in which they ran."""
    from prefect import get_client

    runs = [site.ask() for _ in range(2)]
    for run in runs:
        assert site.end_of(run).is_completed()
    with get_client(sync_client=True) as client:
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


def test_the_first_run_runs_everything_and_the_second_nothing(
    site: Site, together: list[UUID]
) -> None:
    names = ("split", "evaluate", "confusion")
    first, second = together
    assert site.tasks(first) == dict.fromkeys(names, "Completed")
    assert site.tasks(second) == dict.fromkeys(names, "Cached")
    assert [line.split()[0] for line in site.witnessed()[:3]] == list(names)


def test_two_flow_runs_that_are_asked_for_at_once_take_turns(
    site: Site, together: list[UUID]
) -> None:
    from prefect import get_client

    with get_client(sync_client=True) as client:
        first, second = map(client.read_flow_run, together)
    assert second.created < first.end_time  # while the first one ran, or waited
    assert first.end_time <= second.start_time


def test_a_person_sees_metrics_pictures_and_links(site: Site, studied: UUID) -> None:
    from urllib.request import urlopen

    found = site.artifacts(studied)
    assert "| evaluate | cnn.accuracy | 0.24 |" in found["study"]
    assert found["confusion-cnn"].startswith("data:image/svg+xml;base64,")
    run = next(
        each for each in site.runs().values() if "mlflow.parentRunId" not in each.data.tags
    ).info
    page = f"{site.mlflow}/#/experiments/{run.experiment_id}/runs/{run.run_id}"
    assert page in found["mlflow"]
    assert urlopen(site.mlflow).status == 200  # noqa: S310


def test_overrides_are_an_experiment_and_leave_the_workspace_alone(site: Site, seven: UUID) -> None:
    assert site.tasks(seven) == {
        "split": "Cached", "evaluate": "Completed", "confusion": "Completed",
    }  # fmt: skip
    assert "| evaluate | cnn.accuracy | 0.07 |" in site.artifacts(seven)["study"]
    assert "seven" in site.project.run("dvc", "exp", "list", "--name-only")
    assert site.project.json("artifacts/evaluate/metrics.json")["cnn"]["accuracy"] == 0.24
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


def test_a_mistake_is_named_and_nothing_starts(site: Site, studied: UUID) -> None:
    before = site.witnessed()
    run = site.ask(overrides={"train.cnn.epochs": 0})
    end = site.end_of(run)
    assert end.is_failed()
    assert "train.cnn.epochs = 0" in end.message
    assert site.tasks(run) == {}
    assert site.witnessed() == before


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"overrides": {"train.cnn.epoch": 3}}, "train.cnn.epoch is not known"),
        ({"source": "nowhere"}, "'nowhere': no such file or folder"),
        ({"targets": ["evalate"]}, "stage 'evalate' is not in dvc.yaml"),
        ({"recipe": "r9"}, "recipe 'r9' is not known"),
        ({"experiment": "two words"}, "experiment 'two words': not a name"),
    ],
)
def test_every_mistake_is_found_while_it_is_planned(
    site: Site, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(site.folder)
    with pytest.raises(UserError, match=message):
        make_plan(site.folder, **parameters, otherwise="a-run")


def test_a_limit_in_which_nothing_could_end_is_a_mistake() -> None:
    with pytest.raises(UserError, match="hours_a_stage = 0: should be more than 0"):
        seconds(0)


def test_a_stage_that_somebody_kills_is_tried_again(site: Site, studied: UUID) -> None:
    before = site.witnessed()
    site.witness.with_name("witness.kill").touch()
    with site.epochs(98):
        run = site.ask(targets=["evaluate"])
        assert site.end_of(run).is_completed()
    assert site.witnessed()[len(before) :] == ["evaluate 98 0", "evaluate 98 0"]


def test_a_stage_that_takes_too_long_is_ended(site: Site, studied: UUID) -> None:
    slow = {"train.cnn.epochs": 99}
    with site.held():
        run = site.ask(
            targets=["evaluate"], overrides=slow, experiment="slow", hours_a_stage=6 / 3600
        )
        end = site.end_of(run)
        assert end.is_failed()
        assert "1 failed" in end.message
        assert not processes_of(site, "work.py")


def test_cancelling_ends_the_stage_at_once_and_the_next_run_brings_all_up_to_date(
    site: Site, studied: UUID
) -> None:
    from prefect import get_client

    before = site.witnessed()
    with site.epochs(97):
        with site.held():
            run = site.ask(targets=["evaluate"])
            site.wait_for_stage()
            with get_client(sync_client=True) as client:
                name = client.read_flow_run(run).name
            # A stage that is ended before it said that it begins leaves nothing to mark.
            wait_for(lambda: site.is_recorded(name, "RUNNING"))
            wait_for(lambda: site.is_recorded("evaluate", "RUNNING"))
            site.cancel(run)
            wait_for(lambda: not processes_of(site, "work.py"), 15)
            assert site.end_of(run).is_cancelled()
        wait_for(lambda: site.is_recorded(name, "KILLED"))
        wait_for(lambda: site.is_recorded("evaluate", "KILLED"))
        again = site.ask(targets=["evaluate"])
        assert site.end_of(again).is_completed()
    assert site.tasks(again) == {"split": "Cached", "evaluate": "Completed"}
    assert site.witnessed()[len(before) :] == ["evaluate 97 0", "evaluate 97 0"]


def test_the_pool_takes_as_many_as_its_machines_train_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.setup import pool_limit

    assert pool_limit(None, None) is None
    assert pool_limit("slots", None) == 1
    assert pool_limit("slots", 3) == 3  # another machine's
    monkeypatch.setenv("STUDY_SLOTS", "2")
    assert pool_limit("slots", 1) == 2
    monkeypatch.setenv("STUDY_POOL_LIMIT", "4")
    assert pool_limit("slots", 3) == 4
    monkeypatch.setenv("STUDY_POOL_LIMIT", "many")
    with pytest.raises(UserError, match="STUDY_POOL_LIMIT = 'many': should be a whole number"):
        pool_limit("slots", 3)


def test_a_cancelled_grid_takes_its_experiments_with_it(site: Site, studied: UUID) -> None:
    from prefect import get_client

    with site.held():
        grid = site.ask("grid/ablation", name="lengths")
        site.wait_for_stage()
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(limit=200)
        children = {run.id for run in runs if run.name in EXPERIMENTS}
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
    listed = site.project.run("dvc", "exp", "list", "--name-only").splitlines()
    assert set(listed) >= EXPERIMENTS
    runs = site.runs()
    parent = runs["grid lengths"]
    assert parent.info.status == "FINISHED"
    for name in EXPERIMENTS:
        assert runs[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert "20.1" in site.artifacts(run)["grid-lengths"]
    assert "+10.1" in site.artifacts(run)["grid-lengths"]
    for kind in ("csv", "md", "svg", "html"):
        assert (site.folder / "artifacts" / "grids" / f"lengths.{kind}").stat().st_size

    again = site.ask("grid/ablation", name="lengths")
    assert site.end_of(again).is_completed()
    assert site.witnessed() == done


def test_a_scheduled_run_fires_and_picks_up_new_data(site: Site, studied: UUID) -> None:
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.schedules import IntervalSchedule

    before = len(site.witnessed())
    (site.folder / "data" / "sample").write_text("face, and a new one")
    with get_client(sync_client=True) as client:
        nightly = client.read_deployment_by_name("study/nightly")
        assert [str(found.schedule.cron) for found in nightly.schedules] == ["0 3 * * *"]
        soon = IntervalSchedule(interval=timedelta(seconds=10))
        (added,) = client.create_deployment_schedules(nightly.id, [(soon, True)])
        try:
            wait_for(lambda: site.witnessed()[before:], tell=site.said)
        finally:
            client.delete_deployment_schedule(nightly.id, added.id)
        fired = FlowRunFilter.model_validate(
            {
                "deployment_id": {"any_": [nightly.id]},
                "state": {"type": {"any_": ["RUNNING", "COMPLETED"]}},
            }
        )
        runs = client.read_flow_runs(flow_run_filter=fired)
    assert runs
    for run in runs:  # one, or a second one if ten seconds were over before the schedule was gone
        assert run.auto_scheduled
        assert site.end_of(run.id).is_completed()
    assert site.witnessed()[before].startswith("split")
    assert (site.folder / "split.txt").read_text() == "face, and a new one"


def is_up(site: Site) -> bool:
    import httpx

    with suppress(httpx.HTTPError):
        return httpx.get(f"{site.prefect}/api/health").is_success
    return False


def test_a_server_that_restarts_in_mid_run_costs_nothing(site: Site, studied: UUID) -> None:
    before = site.witnessed()
    with site.epochs(96):
        with site.held():
            run = site.ask(targets=["evaluate"])
            site.wait_for_stage()
            servers = psutil.Process(site.processes[0].pid)
            for process in [servers, *servers.children(recursive=True)]:
                with suppress(psutil.Error):
                    process.kill()
            wait_for(lambda: not is_up(site))
            site.processes[0] = site.start("flows.servers")
            site.processes.pop()
            wait_for(lambda: is_up(site), tell=site.said)
        assert site.end_of(run).is_completed()
    assert site.witnessed()[len(before) :] == ["evaluate 96 0"]
    wait_for(lambda: site.is_recorded("evaluate", "FINISHED"))


# From here on the worker is lost. Until the server notices that, tests follow that need none.


@pytest.fixture(scope="module")
def lost(site: Site, studied: UUID) -> tuple[UUID, list[str]]:
    """A flow run whose worker was killed with it and came back, and what was done before."""
    from prefect import get_client
    from prefect.events.schemas.automations import AutomationCore

    # Heartbeats come every 30 seconds, no sooner: 36 instead of 90 is the least that is safe.
    path = site.folder / "flows" / "automations.yaml"
    path.write_text(path.read_text().replace("within: 90", "within: 36"))
    (site.folder / "data" / "sample").write_text("faces that came before the power cut")
    wanted = AutomationCore.model_validate(yaml.safe_load(path.read_text())[0])
    with get_client(sync_client=True) as client:
        (known,) = client.read_automations_by_name(wanted.name)
        client.update_automation(known.id, wanted)
    with site.epochs(95), site.held():
        run = site.ask(targets=["evaluate"])
        site.wait_for_stage()
        before = site.witnessed()
        worker = psutil.Process(site.processes[1].pid)
        for process in [worker, *worker.children(recursive=True)]:
            with suppress(psutil.Error):
                process.kill()
        site.start("flows.worker")
        site.wait_for_workers(4)
    return run, before


def test_pools_and_deployments_come_from_files_any_number_of_times(
    site: Site, lost: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import get_client

    from flows import setup

    monkeypatch.setattr(setup, "HERE", site.folder / "flows")
    setup.set_up(site.folder)  # the workers have done so twice
    with get_client(sync_client=True) as client:
        pools = {pool.name: pool.concurrency_limit for pool in client.read_work_pools()}
        names = {found.name for found in client.read_deployments()}
        automations = [found.name for found in client.read_automations()]
        pulled = [found.pull_steps[0] for found in client.read_deployments()]
    assert pools == {"gpu": 1, "control": None}
    assert names == {"by-hand", "nightly", "ablation"}
    for (step,) in map(dict.values, pulled):  # left open: each worker has a clone of its own
        assert step["directory"] == "{{ $STUDY_HOME }}"
    assert sorted(automations) == ["long pending means crashed", "no heartbeat means crashed"]


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt-get install chromium")
def test_a_browser_shows_the_run_and_its_record(site: Site, studied: UUID, lost: object) -> None:
    pytest.importorskip("playwright", reason="no driver here: make .venv/installed-for-browser")
    from playwright.sync_api import expect, sync_playwright

    link = site.artifacts(studied)["mlflow"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(30_000)
        page.goto(f"{site.prefect}/runs/flow-run/{studied}")
        expect(page.get_by_text("Completed").first).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Running stage 'evaluate'").first).to_be_visible(timeout=30_000)
        page.get_by_text("Task Runs", exact=True).click()
        for stage in ("split", "evaluate", "confusion"):
            expect(page.get_by_text(stage, exact=True).first).to_be_visible(timeout=30_000)
        page.get_by_text("Artifacts", exact=True).last.click()
        page.get_by_text("confusion-cnn").first.click()
        picture = page.locator("img[src^='data:image/svg+xml']").first
        expect(picture).to_be_visible(timeout=30_000)
        assert picture.evaluate("shown => shown.naturalWidth") > 0

        page.goto(link.partition("(")[2].rstrip(")"))
        name = next(name for name, run in site.runs().items() if run.info.run_id in link)
        expect(page.get_by_text(name).first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Finished").first).to_be_visible(timeout=30_000)
        browser.close()


def test_a_worker_that_is_killed_is_noticed_and_nothing_finished_is_repeated(
    site: Site, lost: tuple[UUID, list[str]]
) -> None:
    run, before = lost
    end = site.end_of(run)
    assert (end.name, "No heartbeat" in end.message) == ("Crashed", True)
    again = site.ask(targets=["evaluate"])
    assert site.end_of(again).is_completed()
    assert site.tasks(again) == {"split": "Cached", "evaluate": "Completed"}
    assert [line.split()[0] for line in site.witnessed()[len(before) :]] == ["evaluate"]


def processes_of(site: Site, words: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            inside = process.environ().get("WITNESS") == str(site.witness)
            if inside and words in " ".join(process.cmdline()) and "sh" not in process.name():
                found.append(process)
    return found
