"""A clone of this project with tiny parameters, and the commands that a user types in it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml
from filelock import FileLock

from pipeline.dotted_keys import merge

from .conftest import ROOT

TINY = {
    "sample": {"faces": 600, "unlabelled": 30},
    "train": {"cnn": {"epochs": 1}, "dnn": {"epochs": 3}},
    "evaluate": {"resamples": 200, "tta": {"shift": 0}},
    "saliency": {"samples": 2, "steps": 2, "faces": 4, "random": 1},
    "lime": {"segments": 9, "samples": 12, "marked": 3},
    "filters": {"filters": 1, "strongest": 1, "random": 1, "steps": 2},
    "class_images": {"steps": 2},
    "semisupervised": {
        "autoencoder": {"epochs": 1},
        "classifier": {"epochs": 1},
    },
}

NOT_COPIED = {
    ".": {".checkpoints", ".record", "mlruns", "mlflow.db", "mlflow.db-shm", "mlflow.db-wal"},
    ".dvc": {"tmp"},
    ".dvc/cache": {"runs"},
}
"""What a copy of a project lacks: its record, and what DVC would put back instead of working."""


class Project:
    """A folder under git, and what a user does in it."""

    def __init__(self, folder):
        self.folder = folder
        outside = {
            "MLFLOW_TRACKING_URI", "STUDY_REPRODUCTION", "IMAGE_SENTIMENT_TRACKING", "DVC_ROOT",
            "PYTHONDONTWRITEBYTECODE",  # each of many processes would compile the study again
        }  # fmt: skip
        inherited = {key: value for key, value in os.environ.items() if key not in outside}
        self.environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org",
        }  # fmt: skip

    def run(self, *command, expect=0, seconds=500, **environment):
        """What a command prints, with these variables over its environment."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, capture_output=True,
            text=True, timeout=seconds,
        )  # fmt: skip
        allowed = expect if isinstance(expect, tuple) else (expect,)
        assert done.returncode in allowed, (
            f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout + done.stderr

    def commit(self, message):
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def change(self, changes):
        """Merge settings into params.yaml."""
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), changes)))

    def json(self, path):
        return json.loads((self.folder / path).read_text())

    def stages(self):
        return yaml.safe_load((self.folder / "dvc.lock").read_text())["stages"]

    def shown(self):
        """What `dvc exp show` has of the workspace, the commit and each experiment.

        Of each all parameters, and the metrics by the name of their folder.
        """
        rows = {}
        for commit in json.loads(self.run("dvc", "exp", "show", "--json")):
            rows["workspace" if commit["rev"] == "workspace" else "commit"] = commit["data"]
            for each in commit.get("experiments") or ():
                rows[each["name"]] = each["revs"][0]["data"]
        found = {}
        for name, row in rows.items():
            files = {Path(file).parent.name: each for file, each in row["metrics"].items()}
            metrics = {name: each["data"] for name, each in files.items() if each.get("data")}
            found[name] = row["params"]["params.yaml"]["data"], metrics
        return found

    def wait_for_record(self, seconds=400, expect=0):
        """Until all is in MLflow; recorders, at low priority, may take minutes beside tests."""
        command = ("python", "-m", "pipeline.record", "wait", "--timeout", str(seconds))
        return self.run(*command, expect=expect)

    def recorded(self, query=""):
        """A client of the record that lies here, and the runs in it."""
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("image-sentiment")
        found = client.search_runs([experiment.experiment_id], query) if experiment else []
        return client, found

    def locked(self):
        return {
            out["path"]: out["md5"] for stage in self.stages().values() for out in stage["outs"]
        }


def new_project(folder):
    """An empty folder under git."""
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    project.run("git", "init", "--quiet")
    return project


def clone_project(folder, changes):
    """A clone as a newcomer has it: the committed state of what lies here, results left out."""
    project = new_project(folder)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if name.startswith("artifacts/") or name == "dvc.lock" or not (ROOT / name).is_file():
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    project.change(changes)
    project.commit("as cloned")
    return project


def wait_for(happens, seconds=300.0, explain=lambda: ""):
    """Wait until something is there, and give it."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, f"waited in vain: {explain()[-5000:]}"
        time.sleep(0.1)
    return found


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def in_terminal(command, **options):
    """A process as a terminal starts it: it leads a group, and hears Ctrl-C; nothing is left."""
    with subprocess.Popen(
        command, start_new_session=True,
        # What a shell runs in the background ignores the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Finished:
    """What a session's tests share: a tiny study that is done, made when it is first asked for.

    It lies where every process of the session finds it, and one of them makes it. Nobody works in
    it: tests read it, or take a copy.
    """

    def __init__(self, shared):
        self.shared = shared

    def study(self):
        """All stages, in one reproduction, with its record; what DVC said is its `output`."""

        def work(project):
            project.environment |= {"PYTHONHASHSEED": "1", "TZ": "UTC"}
            said = project.run("dvc", "repro", seconds=1800)
            (project.folder.parent / "said").write_text(said)
            project.wait_for_record()

        project = self._once("study", work)
        project.output = (project.folder.parent / "said").read_text()
        return project

    def faces(self):
        """Faces that are drawn, read and parted, without a record."""

        def work(project):
            project.environment["IMAGE_SENTIMENT_TRACKING"] = "off"
            project.run("dvc", "repro", "split")

        return self._once("faces", work)

    def _once(self, name, work):
        folder, done = self.shared / name / "image-sentiment", self.shared / name / "done"
        with FileLock(self.shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                work(clone_project(folder, TINY))
                done.touch()
        return Project(folder)

    def prepare(self, folder, changes=None, upto="split"):
        """A copy of what is done, without its record.

        Args:
            folder: where; not there yet.
            changes: beside `TINY`, committed. DVC runs what they concern again.
            upto: the last stage that is done: `split`, which costs seconds, or `report`, a study.
        """
        source = {"split": self.faces, "report": self.study}[upto]().folder

        def left_out(place, _):
            return NOT_COPIED.get(Path(place).relative_to(source).as_posix(), ())

        shutil.copytree(source, folder, copy_function=_copy, ignore=left_out, symlinks=True)
        project = Project(folder)
        if changes:
            project.change(changes)
            project.run("git", "commit", "--quiet", "--message", "changed", "params.yaml")
        return project


def _copy(source, target):
    """What git and DVC keep by its hash is never written again: a second name will do."""
    kept = "/.git/objects/" in source or "/.dvc/cache/files/" in source
    return os.link(source, target) if kept else shutil.copy2(source, target)
