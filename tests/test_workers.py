"""Workers: real Prefect and MLflow servers, real workers, a small project of DVC's under git."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

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
from pipeline.compute import compute_slot
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
        if epochs == 99:
            print("slow starts", os.getpid(), flush=True)
            time.sleep(300)
        if epochs == 97:
            time.sleep(40)
        if epochs == 98 and not pathlib.Path(os.environ["WITNESS"] + ".killed").exists():
            pathlib.Path(os.environ["WITNESS"] + ".killed").touch()
            os.kill(os.getpid(), 9)
        with compute_slot():
            out = pathlib.Path("artifacts/evaluate/metrics.json")
            out.parent.mkdir(parents=True, exist_ok=True)
            accuracy = epochs / 100 + seed / 1000
            out.write_text(json.dumps({"cnn": {"accuracy": accuracy}, "dnn": {"accuracy": 0.1}}))
            pathlib.Path("curve.txt").write_text(str(epochs))
        if params["train"]["cnn"]["batch"] == 7:
            import numpy as np
            from pipeline.models.classifier import Architecture, Classifier
            from pipeline.models.store import save_classifier

            folder = pathlib.Path("weights")
            folder.mkdir()
            save_classifier(Classifier(Architecture("small-dnn", 0.0, "scale")).eval(), folder)
            journal.model(
                folder, example=np.zeros((2, 1, 48, 48), np.float32), accuracy=accuracy,
                interval=(accuracy - 0.05, accuracy + 0.05), measured_on="these",
            )
"""

SLOW = """
title: Too long
measure: cnn.accuracy
stages: [evaluate]
vary:
  length:
    slow: {train: {cnn: {epochs: 99}}}
seeds: {keys: [train.cnn.seed], values: [1, 3]}
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
seeds: {keys: [train.cnn.seed], values: [1, 3]}
"""


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
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
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
        (self.folder / "grids" / "slow.yaml").write_text(SLOW)
        shutil.copy(ROOT / "prefect.yaml", self.folder)
        # The first number of epochs is the CNN's; the accuracies below are made from it.
        params = re.sub(r"epochs: \d+", "epochs: 24", (ROOT / "params.yaml").read_text(), count=1)
        (self.folder / "params.yaml").write_text(params)
        # Deployments name flows by file; those of this checkout, which PYTHONPATH names too.
        (self.folder / "flows").symlink_to(ROOT / "flows")
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

    def end_of(self, run: UUID, timeout: float = 120.0):
        wait_for(lambda: self.state(run).is_final(), timeout, lambda: self.log("flows.worker"))
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


def wait_for(happens, timeout=60.0, tell=lambda: ""):
    end = time.monotonic() + timeout
    while not happens():
        assert time.monotonic() < end, f"waited in vain: {tell()[-4000:]}"
        time.sleep(0.3)


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
            wait_for(
                lambda: site.log("flows.worker").count(" started!") == 2, 90,
                lambda: site.log("flows.servers") + site.log("flows.worker"),
            )  # fmt: skip
            yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def studied(site: Site) -> UUID:
    """The first flow run: everything runs."""
    run = site.ask()
    assert site.end_of(run).is_completed()
    return run


def test_pools_and_deployments_come_from_files_any_number_of_times(site: Site) -> None:
    from prefect import get_client

    from flows.setup import set_up

    for _ in range(2):
        set_up(site.folder)
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


def test_servers_give_way_to_trainings_and_workers_do_not(site: Site) -> None:
    for words in ("prefect server", "mlflow server", "uvicorn"):
        assert {process.nice() for process in processes_of(site, words)} == {NICE}, words
    workers = processes_of(site, "prefect worker")
    assert {process.nice() for process in workers} == {psutil.Process().nice()}


def test_the_first_run_runs_everything_and_the_second_nothing(site: Site, studied: UUID) -> None:
    names = ("split", "evaluate", "confusion")
    assert site.tasks(studied) == dict.fromkeys(names, "Completed")
    before = site.witnessed()
    again = site.ask()
    assert site.end_of(again).is_completed()
    assert site.tasks(again) == dict.fromkeys(names, "Cached")
    assert site.witnessed() == before


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


def test_overrides_are_an_experiment_and_leave_the_workspace_alone(
    site: Site, studied: UUID
) -> None:
    run = site.ask(overrides={"train.cnn.epochs": 7}, experiment="seven")
    assert site.end_of(run).is_completed()
    assert site.tasks(run) == {
        "split": "Cached", "evaluate": "Completed", "confusion": "Completed",
    }  # fmt: skip
    assert "| evaluate | cnn.accuracy | 0.07 |" in site.artifacts(run)["study"]
    shown = site.project.run("dvc", "exp", "show", "--json")
    assert "seven" in shown
    assert site.project.json("artifacts/evaluate/metrics.json")["cnn"]["accuracy"] == 0.24
    wait_for(lambda: site.is_recorded("seven", "FINISHED"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"overrides": {"train.cnn.epochs": 0}}, "train.cnn.epochs = 0"),
        ({"overrides": {"train.cnn.epoch": 3}}, "train.cnn.epoch is not known"),
        ({"source": "nowhere"}, "'nowhere': no such file or folder"),
        ({"targets": ["evalate"]}, "stage 'evalate' is not in dvc.yaml"),
        ({"recipe": "r9"}, "recipe 'r9' is not known"),
        ({"experiment": "two words"}, "experiment 'two words': not a name"),
        ({"hours_a_stage": 0}, "hours_a_stage = 0: should be more than 0"),
    ],
)
def test_a_mistake_is_named_and_nothing_starts(
    site: Site, studied: UUID, parameters: dict[str, object], message: str
) -> None:
    before = site.witnessed()
    run = site.ask(**parameters)
    end = site.end_of(run)
    assert end.is_failed()
    assert message in end.message
    assert site.tasks(run) == {}
    assert site.witnessed() == before


def test_a_stage_that_somebody_kills_is_tried_again(site: Site, studied: UUID) -> None:
    text = (site.folder / "params.yaml").read_text()
    (site.folder / "params.yaml").write_text(text.replace("epochs: 24", "epochs: 98", 1))
    try:
        run = site.ask()
        assert site.end_of(run).is_completed()
        assert [line for line in site.witnessed() if line.startswith("evaluate 98")] == [
            "evaluate 98 0", "evaluate 98 0",
        ]  # fmt: skip
    finally:
        (site.folder / "params.yaml").write_text(text)


def test_a_stage_that_takes_too_long_is_ended(site: Site, studied: UUID) -> None:
    slow = {"train.cnn.epochs": 99}
    run = site.ask(overrides=slow, experiment="slow", hours_a_stage=4 / 3600)
    end = site.end_of(run)
    assert end.is_failed()
    assert "1 failed" in end.message
    assert not processes_of(site, "work.py")


def test_cancelling_ends_the_stage_at_once_and_the_record_says_so(
    site: Site, studied: UUID
) -> None:
    from prefect import get_client
    from prefect.states import Cancelling

    run = site.ask(overrides={"train.cnn.epochs": 99}, experiment="cancelled")
    wait_for(lambda: processes_of(site, "work.py evaluate"), tell=lambda: site.log("flows.worker"))
    # A stage that is ended before it said that it begins leaves nothing to mark.
    wait_for(lambda: site.is_recorded("cancelled", "RUNNING"))
    wait_for(lambda: site.is_recorded("evaluate", "RUNNING"))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Cancelling())
    asked = time.monotonic()
    wait_for(lambda: not processes_of(site, "work.py"), 15)
    assert time.monotonic() - asked < 15
    assert site.end_of(run).is_cancelled()
    wait_for(lambda: site.is_recorded("cancelled", "KILLED"), 60)
    wait_for(lambda: site.is_recorded("evaluate", "KILLED"), 60)
    # The workspace is free for the next one.
    assert site.end_of(site.ask()).is_completed()


def test_a_cancelled_study_leaves_a_workspace_that_the_next_run_brings_up_to_date(
    site: Site, studied: UUID
) -> None:
    from prefect import get_client
    from prefect.states import Cancelling

    text = (site.folder / "params.yaml").read_text()
    (site.folder / "params.yaml").write_text(text.replace("epochs: 24", "epochs: 99", 1))
    try:
        run = site.ask()
        wait_for(lambda: processes_of(site, "work.py evaluate"))
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())
        wait_for(lambda: not processes_of(site, "work.py"), 15)
        assert site.end_of(run).is_cancelled()
    finally:
        (site.folder / "params.yaml").write_text(text)
    before = site.witnessed()
    again = site.ask()
    assert site.end_of(again).is_completed()
    assert site.tasks(again)["split"] == "Cached"
    assert not [line for line in site.witnessed()[len(before) :] if line.startswith("split")]


def test_a_cancelled_grid_takes_its_experiments_with_it(site: Site, studied: UUID) -> None:
    from prefect import get_client
    from prefect.states import Cancelling

    grid = site.ask("grid/ablation", name="slow")
    wait_for(lambda: processes_of(site, "work.py evaluate"), 90, lambda: site.log("flows.worker"))
    with get_client(sync_client=True) as client:
        children = [run for run in client.read_flow_runs(limit=200) if run.name[:5] == "slow-"]
        assert len(children) == 2
        client.set_flow_run_state(grid, Cancelling())
    for run in (grid, *(child.id for child in children)):
        assert site.end_of(run).is_cancelled()
    assert not processes_of(site, "work.py")


def test_the_pool_takes_as_many_as_its_machines_train_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
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


def test_two_flow_runs_that_are_asked_for_at_once_take_turns(site: Site, studied: UUID) -> None:
    from prefect import get_client

    runs = [site.ask(force=True, targets=["evaluate"]) for _ in range(2)]
    for run in runs:
        assert site.end_of(run).is_completed()
    with get_client(sync_client=True) as client:
        times = sorted(
            (found.start_time, found.end_time) for found in map(client.read_flow_run, runs)
        )
    assert times[0][1] <= times[1][0]


def test_a_scheduled_run_fires_and_picks_up_new_data(site: Site, studied: UUID) -> None:
    from prefect import get_client
    from prefect.client.schemas.schedules import IntervalSchedule

    before = len(site.witnessed())
    (site.folder / "data" / "sample").write_text("face, and a new one")
    with get_client(sync_client=True) as client:
        nightly = client.read_deployment_by_name("study/nightly")
        assert [str(found.schedule.cron) for found in nightly.schedules] == ["0 3 * * *"]
        soon = IntervalSchedule(interval=timedelta(seconds=20))
        (added,) = client.create_deployment_schedules(nightly.id, [(soon, True)])
        try:
            wait_for(lambda: site.witnessed()[before:], 90, lambda: site.log("flows.worker"))
        finally:
            client.delete_deployment_schedule(nightly.id, added.id)
    assert site.witnessed()[before].startswith("split")
    assert site.end_of(site.ask()).is_completed()  # after the scheduled one: they take turns
    assert (site.folder / "split.txt").read_text() == "face, and a new one"


def test_a_grid_runs_each_experiment_once_and_draws_its_report(site: Site, studied: UUID) -> None:
    run = site.ask("grid/ablation", name="lengths")
    end = site.end_of(run, 240)
    assert end.is_completed(), end.message
    done = [line for line in site.witnessed() if line.split()[1] in ("10", "20")]
    experiments = [f"evaluate {epochs} {seed}" for epochs in (10, 20) for seed in (1, 3)]
    assert sorted(line for line in done if line.startswith("evaluate")) == experiments
    assert len([line for line in done if line.startswith("split")]) <= 1
    names = {f"lengths-{arm}-{seed}" for arm in ("short", "long") for seed in (1, 3)}
    table = json.loads(site.project.run("dvc", "exp", "show", "--json"))
    assert names <= {found["name"] for base in table for found in base.get("experiments") or ()}
    runs = site.runs()
    parent = runs["grid lengths"]
    assert parent.info.status == "FINISHED"
    for name in names:
        assert runs[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert "20.2 ± 0.1 (2)" in site.artifacts(run)["grid-lengths"]
    assert "+10.0" in site.artifacts(run)["grid-lengths"]
    for kind in ("csv", "md", "svg", "html"):
        assert (site.folder / "artifacts" / "grids" / f"lengths.{kind}").stat().st_size

    again = site.ask("grid/ablation", name="lengths")
    assert site.end_of(again).is_completed()
    assert [line for line in site.witnessed() if line.split()[1] in ("10", "20")] == done


def test_a_rerun_that_is_worse_says_so_and_leaves_the_champion(site: Site, studied: UUID) -> None:
    verdicts = {}
    for epochs in (70, 40):
        run = site.ask(
            overrides={"train.cnn.epochs": epochs, "train.cnn.batch": 7}, experiment=f"m{epochs}"
        )
        end = site.end_of(run, 240)
        assert end.is_completed()
        verdicts[epochs] = end.message
    assert "; takes the alias best: version 1, 70.0%" in verdicts[70]
    assert "does not take the alias best: worse beyond its interval: version 2" in verdicts[40]

    from mlflow import MlflowClient

    client = MlflowClient(site.mlflow)
    assert client.get_model_version_by_alias("image-sentiment-cnn", "best").version == "1"
    assert client.get_model_version("image-sentiment-cnn", "2").tags["gate"] in verdicts[40]


def processes_of(site: Site, words: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            inside = process.environ().get("WITNESS") == str(site.witness)
            if inside and words in " ".join(process.cmdline()) and "sh" not in process.name():
                found.append(process)
    return found


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.mark.skipif(not BROWSER, reason="no Chromium here: apt-get install chromium")
def test_a_browser_shows_the_run_and_its_record(site: Site, studied: UUID) -> None:
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


def is_up(site: Site) -> bool:
    import httpx

    with suppress(httpx.HTTPError):
        return httpx.get(f"{site.prefect}/api/health").is_success
    return False


def test_a_server_that_restarts_in_mid_run_costs_nothing(site: Site, studied: UUID) -> None:
    text = (site.folder / "params.yaml").read_text()
    (site.folder / "params.yaml").write_text(text.replace("epochs: 24", "epochs: 97", 1))
    before = site.witnessed()
    run = site.ask()
    wait_for(lambda: processes_of(site, "work.py evaluate"), tell=lambda: site.log("flows.worker"))
    servers = psutil.Process(site.processes[0].pid)
    for process in [servers, *servers.children(recursive=True)]:
        with suppress(psutil.Error):
            process.kill()
    wait_for(lambda: not is_up(site))
    site.processes[0] = site.start("flows.servers")
    site.processes.pop()
    wait_for(lambda: is_up(site), 120, lambda: site.log("flows.servers"))
    assert site.end_of(run, 240).is_completed()
    (site.folder / "params.yaml").write_text(text)
    assert [line.split()[0] for line in site.witnessed()[len(before) :]] == [
        "evaluate", "confusion",
    ]  # fmt: skip
    wait_for(lambda: site.is_recorded("evaluate", "FINISHED"))


def test_a_worker_that_is_killed_is_noticed_and_nothing_finished_is_repeated(
    site: Site, studied: UUID
) -> None:
    text = (site.folder / "params.yaml").read_text()
    (site.folder / "data" / "sample").write_text("faces that came before the power cut")
    (site.folder / "params.yaml").write_text(text.replace("epochs: 24", "epochs: 99", 1))
    run = site.ask()
    wait_for(lambda: processes_of(site, "work.py evaluate"), tell=lambda: site.log("flows.worker"))
    before = site.witnessed()
    worker = site.processes[1]
    for process in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(True)]:
        with suppress(psutil.Error):
            process.kill()
    (site.folder / "params.yaml").write_text(text)
    started = site.log("flows.worker").count(" started!")
    site.start("flows.worker")
    wait_for(lambda: site.log("flows.worker").count(" started!") == started + 2, 90)
    end = site.end_of(run, 240)
    assert (end.name, "No heartbeat" in end.message) == ("Crashed", True)
    again = site.ask()
    assert site.end_of(again).is_completed()
    assert site.tasks(again)["split"] == "Cached"
    assert [line.split()[0] for line in site.witnessed()[len(before) :]] == ["evaluate"]
