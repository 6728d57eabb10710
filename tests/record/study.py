"""A small project with stages of all kinds, and its record as MLflow has it."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from pipeline.record.mlflow_store import connect

from ..conftest import ROOT
from ..project import Project, new_project

STAGE = """
import json, math, os, sys, time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse
from urllib.request import url2pathname
from pipeline import layout, shell
from pipeline.dvc_yaml import StageEntry, read_entries

name, resume = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None

def work(stage):
    folder = layout.folder(name)
    if name == "good":
        (folder / "figures").mkdir()
        (folder / "figures/curve.svg").write_text("made by good")
        (folder / "good.txt").write_text("made by good")
        numbers = {"faces": {"accuracy": 0.75, "odd": math.nan}, "../a@b": 1, "role": "test"}
        (folder / "metrics.json").write_text(json.dumps(numbers))
    elif name == "bad":
        raise ValueError("no\\nfaces " + os.environ.get("ADDRESS", ""))
    elif name == "slow" and not resume:
        Path("run.txt").write_text(stage.record.identity)
        for step in range(10**6):
            stage.record.live({"loss": 1 / (1 + step)}, step)
            time.sleep(0.1)
    elif name == "slow":
        stage.record.live({"loss": 0.0}, 10**6)
        while not Path("go.txt").exists():
            time.sleep(0.05)
    else:
        for step in range(50):
            stage.record.live({"loss": step}, step)

entries = {entry.name: entry for entry in read_entries(Path("dvc.yaml"))}
entry = entries.get(name) or StageEntry(name, name, [], [], {})
shell.execute(name, entry, lambda: SimpleNamespace(work=work, resume=lambda *_: resume))
"""

STAGES = f"""
stages:
  good:
    cmd: {sys.executable} stage.py good
    deps: [data.csv]
    params: [evaluate.seed, split]
    outs: [artifacts/good/good.txt, artifacts/good/figures]
    metrics: [artifacts/good/metrics.json: {{cache: false}}]
    meta: {{record: {{parent: {{metrics: [faces.accuracy], files: [artifacts/good/good.txt]}}}}}}
  bad: {{cmd: {sys.executable} stage.py bad, deps: [artifacts/good/good.txt], outs: [bad.txt]}}
"""

MD5 = {"data.csv": "d" * 32}


class Study(Project):
    """What a workspace's record looks like after all kinds of stages."""

    def start(self, *words, **environment):
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=self.environment | environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def store(self):
        return connect(f"sqlite:///{self.folder / 'mlflow.db'}", "image-sentiment", self.folder)

    def runs(self):
        return self.store.client.search_runs([self.store.experiment])

    def named(self, name):
        """The run of that name, or the only one whose name starts so."""
        runs = self.runs()
        (run,) = [run for run in runs if run.info.run_name == name] or [
            run for run in runs if run.info.run_name.startswith(name)
        ]
        return run

    def children(self, parent):
        identity = self.named(parent).info.run_id
        of_parent = [r for r in self.runs() if r.data.tags.get("mlflow.parentRunId") == identity]
        return {run.info.run_name for run in of_parent}

    def history(self, name, metric="loss"):
        return self.store.client.get_metric_history(self.named(name).info.run_id, metric)

    def artifacts(self, name, folder=None):
        found = self.store.client.list_artifacts(self.named(name).info.run_id, folder)
        return {file.path for file in found}


def new_study(folder):
    study = Study(new_project(folder).folder)
    study.environment["PYTHONPATH"] = str(ROOT)
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "data.csv").write_text("label,feature\n")
    ingested = folder / "artifacts/ingest/ingest.json"
    ingested.parent.mkdir(parents=True)
    ingested.write_text(json.dumps({"files": MD5}))
    return study


def kill_recorders(folder):
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[-1:] == ["upload"] and Path(process.cwd()) == folder:
                process.kill()
                process.wait(30)  # until then it holds the lock, and gives way to all others
