"""A grid over two hosts: PostgreSQL, an S3 server, two workers in clones and networks of their own.

`make cluster-test` installs what this needs. Everything that is started here is ended here.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ..conftest import ROOT
from ..project import TINY, Project, clone_project, wait_for

pytestmark = pytest.mark.cluster

GRID = """
title: Two small networks at two rates
measure: cnn.accuracy
against: dnn.accuracy
stages: [evaluate]
base:
  train: {cnn: {epochs: 2}, dnn: {network: small-dnn, epochs: 1}}
vary:
  network:
    plain: {train: {cnn: {network: plain-cnn}}}
    leaky: {train: {cnn: {network: leaky-cnn}}}
  rate:
    low: {train: {cnn: {learning_rate: 0.0003}}}
    high: {train: {cnn: {learning_rate: 0.003}}}
seeds: {keys: [train.cnn.seed], values: [0, 1]}
"""

EXPERIMENTS = {
    f"small-{network}-{rate}-{seed}"
    for network in ("plain", "leaky") for rate in ("low", "high") for seed in (0, 1)
}  # fmt: skip

BRIDGE, SERVER, HOSTS = "study0", "10.77.0.1", {"one": "10.77.0.11", "two": "10.77.0.12"}


def sh(*command, cwd=None, env=None, check=True):
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def listens(host, port):
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


class Network:
    """Two hosts and a bridge; where that is not allowed, everything shares the loopback."""

    def __init__(self):
        self.is_real = False
        if shutil.which("ip"):
            self.remove()  # what an interrupted test left
            sh("ip", "link", "add", BRIDGE, "type", "bridge", check=False)
            self.is_real = (Path("/sys/class/net") / BRIDGE).exists()
        self.server = SERVER if self.is_real else "127.0.0.1"

    def build(self):
        if not self.is_real:
            return
        sh("ip", "addr", "add", f"{SERVER}/24", "dev", BRIDGE)
        sh("ip", "link", "set", BRIDGE, "up")
        for host, address in HOSTS.items():
            outer = f"study-{host}"
            sh("ip", "netns", "add", f"study-{host}")
            sh("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0",
               "netns", f"study-{host}")  # fmt: skip
            sh("ip", "link", "set", outer, "master", BRIDGE, "up")
            inside = ("ip", "-n", f"study-{host}")
            sh(*inside, "addr", "add", f"{address}/24", "dev", "eth0")
            sh(*inside, "link", "set", "eth0", "up")
            sh(*inside, "link", "set", "lo", "up")

    def inside(self, host):
        return ["ip", "netns", "exec", f"study-{host}"] if self.is_real else []

    def remove(self):
        if not shutil.which("ip"):
            return
        for host in HOSTS:
            sh("ip", "netns", "delete", f"study-{host}", check=False)
            sh("ip", "link", "delete", f"study-{host}", check=False)
        sh("ip", "link", "delete", BRIDGE, check=False)


class Cluster:
    """Servers, a shared git repository and workers, each with a log."""

    def __init__(self, folder):
        self.folder, self.network = folder, Network()
        self.processes = {}
        self.ports = {"postgres": 15432, "s3": 19000, "prefect": 14200, "mlflow": 15000}
        server = self.network.server
        self.s3 = f"http://{server}:{self.ports['s3']}"
        self.api = f"http://{server}:{self.ports['prefect']}/api"
        self.mlflow = f"http://{server}:{self.ports['mlflow']}"
        self.environment = {
            **{name: value for name, value in Project(folder).environment.items()
               if not name.startswith(("MLFLOW_", "PREFECT_", "PYTHONPATH"))},
            "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.s3,
            "MLFLOW_S3_ENDPOINT_URL": self.s3,
            "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true",
            "PREFECT_API_URL": self.api, "MLFLOW_TRACKING_URI": self.mlflow,
            "STUDY_GIT_REMOTE": "origin", "STUDY_DVC_REMOTE": "s3://dvc/study",
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip

    # Servers

    def start(self, name, command, *, cwd, more=None, **options):
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, cwd=cwd, env={**self.environment, **(more or {})}, stdout=log, stderr=log,
            start_new_session=True, **options,
        )  # fmt: skip

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def start_postgres(self):
        bin_ = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
        tool = str(bin_ / "initdb") if bin_ else shutil.which("initdb")
        assert tool, "PostgreSQL is missing: make cluster-test installs it"
        data = self.folder / "postgres"
        data.mkdir()
        user = {}
        if os.geteuid() == 0:  # PostgreSQL refuses root
            account = pwd.getpwnam("postgres")
            shutil.chown(data, account.pw_uid, account.pw_gid)
            for parent in [data, *data.parents]:
                if parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(
            [tool, "-D", data, "-A", "trust", "-U", "study", "-E", "UTF8"], check=True,
            capture_output=True, cwd=data, **user,
        )  # fmt: skip
        server = Path(tool).with_name("postgres")
        command = [server if server.exists() else shutil.which("postgres"), "-D", data]
        port = self.ports["postgres"]
        command += ["-p", str(port), "-k", str(data), "-h", "127.0.0.1"]
        self.start("postgres", command, cwd=data, **user)
        wait_for(lambda: listens("127.0.0.1", port), 30, lambda: self.log("postgres"))
        import psycopg2

        address = f"postgresql://study@127.0.0.1:{port}"
        connection = psycopg2.connect(f"{address}/postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name in ("prefect", "mlflow"):
                cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return address

    def start_s3(self):
        import boto3

        server, port = self.network.server, self.ports["s3"]
        command = [sys.executable, "-m", "moto.server", "-H", server, "-p", str(port)]
        self.start("s3", command, cwd=self.folder)
        wait_for(lambda: listens(server, port), 30, lambda: self.log("s3"))
        client = boto3.client(
            "s3", endpoint_url=self.s3, region_name="us-east-1", aws_access_key_id="nobody",
            aws_secret_access_key="secret",  # noqa: S106
        )  # fmt: skip
        for bucket in ("dvc", "mlflow"):
            client.create_bucket(Bucket=bucket)

    def start_servers(self):
        database = self.start_postgres()
        self.start_s3()
        home = self.folder / "servers"
        home.mkdir()
        self.start(
            "servers", [sys.executable, "-m", "flows.servers"], cwd=home,
            more={
                "PYTHONPATH": str(ROOT),
                "STUDY_HOST": self.network.server,
                "PREFECT_SERVER_API_PORT": str(self.ports["prefect"]),
                "MLFLOW_PORT": str(self.ports["mlflow"]),
                "PREFECT_API_DATABASE_CONNECTION_URL":
                    database.replace("postgresql:", "postgresql+asyncpg:") + "/prefect",
                "MLFLOW_BACKEND_STORE_URI": f"{database}/mlflow",
                "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow/artifacts",
            },
        )  # fmt: skip
        wait_for(lambda: self.log("servers").count("is ready") == 2, 120,
                 lambda: self.log("servers"))  # fmt: skip

    # Hosts

    def make_origin(self):
        """The project, small, as a repository that all clone from."""
        author = clone_project(self.folder / "author", TINY)
        (author.folder / "grids" / "small.yaml").write_text(GRID)
        author.commit("a small grid")
        author.run("git", "clone", "--quiet", "--bare", ".", str(self.folder / "origin.git"))

    def clone(self, name):
        folder = self.folder / name / "image-sentiment"
        sh("git", "clone", "--quiet", str(self.folder / "origin.git"), str(folder))
        return folder

    def start_worker(self, host, *pools):
        folder = self.clone(host)
        (self.folder / host / "tmp").mkdir()
        command = [*self.network.inside(host), sys.executable, "-m", "flows.worker"]
        for pool in pools:
            command += ["--pool", pool]
        more = {
            "TMPDIR": str(self.folder / host / "tmp"),  # another host has other compute slots
            "PREFECT_HOME": str(self.folder / host / "home"),
            "PYTHONPATH": str(folder),
        }
        self.start(f"worker-{host}", command, cwd=folder, more=more)

    def kill(self, host):
        """Kill all that runs on a host, as a power cut would."""
        for each in self.processes_in(self.folder / host):
            with suppress(psutil.Error):
                each.kill()

    def processes_in(self, folder):
        """Processes that work in a folder or were told to: recorders outlive who started them."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                places = [process.cwd(), process.environ().get("TMPDIR", "")]
                if any(Path(place).is_relative_to(folder) for place in places if place):
                    found.append(process)
        return found

    def stop(self):
        for name, process in reversed(self.processes.items()):
            with suppress(ProcessLookupError):
                # PostgreSQL ends at once, however many are connected, on SIGINT.
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes_in(self.folder):
            with suppress(psutil.Error):
                process.kill()
        self.network.remove()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.network.build()
        cluster.start_servers()
        cluster.make_origin()
        yield cluster
    finally:
        cluster.stop()


def test_a_grid_over_two_hosts_loses_nothing_when_one_dies(cluster, monkeypatch):
    import flows  # noqa: F401 (its settings come before Prefect is imported)

    monkeypatch.setenv("PREFECT_API_URL", cluster.api)
    for name, value in cluster.environment.items():
        if name.startswith(("AWS_", "MLFLOW_")):
            monkeypatch.setenv(name, value)
    from prefect import get_client
    from prefect.deployments import run_deployment
    from prefect.settings import PREFECT_API_URL, temporary_settings

    cluster.start_worker("one")
    wait_for(lambda: cluster.log("worker-one").count(" started!") == 2, 120,
             lambda: cluster.log("worker-one"))  # fmt: skip
    cluster.start_worker("two", "gpu")
    wait_for(lambda: " started!" in cluster.log("worker-two"), 120,
             lambda: cluster.log("worker-two"))  # fmt: skip

    def took(host):
        log = cluster.log(f"worker-{host}")
        return {name for name in EXPERIMENTS if f"Flow run '{name}' submitted" in log}

    started = time.monotonic()
    with temporary_settings({PREFECT_API_URL: cluster.api}), get_client(sync_client=True) as client:
        grid = run_deployment(
            "grid/ablation", parameters={"name": "small"}, timeout=0, as_subflow=False
        )

        # Host two dies in the middle of its second experiment.
        def at_work_on_two():
            names = took("two")
            if len(names) < 2:
                return ""
            latest = max(names, key=lambda name: cluster.log("worker-two").rindex(f"'{name}' sub"))
            runs = client.read_flow_runs(limit=50)
            return latest if latest in {r.name for r in runs if r.state.is_running()} else ""

        lost = wait_for(at_work_on_two, 300, lambda: cluster.log("worker-one"))
        cluster.kill("two")
        wait_for(lambda: client.read_flow_run(grid.id).state.is_final(), 600,
                 lambda: cluster.log("worker-one"))  # fmt: skip
        end = client.read_flow_run(grid.id).state
        assert end.is_completed(), end.message
        states = [run.state_name for run in client.read_flow_runs(limit=50) if run.name == lost]
    seconds = time.monotonic() - started
    assert took("one")
    assert took("two")
    assert sorted(states) == ["Completed", "Crashed"]
    for host in HOSTS:  # each worked in a clone of its own
        assert list((cluster.folder / host / "image-sentiment" / ".dvc" / "cache").rglob("*.*"))
        assert list((cluster.folder / host / "image-sentiment" / ".record").iterdir())
    print(f"one: {len(took('one'))}, two: {len(took('two'))}, {lost} lost, {seconds:.0f} s, "
          f"networks {'apart' if cluster.network.is_real else 'shared'}")  # fmt: skip

    # A third clone pulls what both have made.
    reader = cluster.clone("three")
    run = {"cwd": reader, "env": cluster.environment}
    dvc = (sys.executable, "-m", "dvc")
    sh(*dvc, "remote", "add", "--local", "--default", "shared", "s3://dvc/study", **run)
    sh(*dvc, "exp", "pull", "origin", *sorted(EXPERIMENTS), **run)
    table = json.loads(sh(*dvc, "exp", "show", "--json", **run))
    found = {each["name"] for base in table for each in base.get("experiments") or ()}
    assert found == EXPERIMENTS
    weights = "artifacts/train/cnn/weights.safetensors"
    sh(*dvc, "get", ".", weights, "--rev", "small-leaky-high-1", "--out", "theirs", **run)
    assert (reader / "theirs").stat().st_size > 1e6

    # Ingest and split ran at most once a host, and everything is under one run in MLflow.
    from mlflow import MlflowClient

    tracking = MlflowClient(cluster.mlflow)
    experiment = tracking.get_experiment_by_name("image-sentiment")

    def runs():
        return tracking.search_runs([experiment.experiment_id], max_results=500)

    wait_for(lambda: {each.info.run_name for each in runs()} >= EXPERIMENTS, 60)
    names = [each.info.run_name for each in runs()]
    assert 1 <= names.count("ingest") <= 2
    assert 1 <= names.count("split") <= 2
    (parent,) = [each for each in runs() if each.info.run_name == "grid small"]

    def nested() -> set[str]:
        return {
            each.info.run_name for each in runs()
            if each.data.tags.get("mlflow.parentRunId") == parent.info.run_id
        }  # fmt: skip

    def artifacts() -> set[str]:
        return {each.path for each in tracking.list_artifacts(parent.info.run_id)}

    wait_for(lambda: nested() >= EXPERIMENTS)
    wait_for(lambda: artifacts() >= {"small.md", "small.svg", "small.csv"})
    assert parent.info.artifact_uri.startswith("mlflow-artifacts:")
