"""A clone of this project with tiny parameters, and the commands that a user types in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from .conftest import ROOT

TINY = {
    "sample": {"faces": 600, "unlabelled": 30},
    "train": {"cnn": {"epochs": 2}, "dnn": {"epochs": 3}},
    "saliency": {"samples": 2, "steps": 2, "faces": 8, "random": 1},
    "lime": {"segments": 12, "samples": 20, "marked": 3},
    "filters": {"filters": 2, "strongest": 2, "random": 2, "steps": 2},
    "class_images": {"steps": 2},
    "semisupervised": {
        "autoencoder": {"epochs": 1},
        "classifier": {"epochs": 1},
        "consistency": {"fit": {"epochs": 1}},
    },
}


class Project:
    """A folder under git, and what a user does in it."""

    def __init__(self, folder):
        self.folder = folder
        outside = {
            "MLFLOW_TRACKING_URI", "STUDY_REPRODUCTION", "IMAGE_SENTIMENT_TRACKING", "DVC_ROOT",
        }  # fmt: skip
        inherited = {key: value for key, value in os.environ.items() if key not in outside}
        self.environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org",
        }  # fmt: skip

    def run(self, *command, expect=0, seconds=500):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=seconds,
        )  # fmt: skip
        allowed = expect if isinstance(expect, tuple) else (expect,)
        assert done.returncode in allowed, (
            f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout + done.stderr

    def commit(self, message):
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def json(self, path):
        return json.loads((self.folder / path).read_text())

    def locked(self):
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())
        return {
            out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]
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
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), changes)))
    project.commit("as cloned")
    return project


def merge(base, changes):
    for key, value in changes.items():
        base[key] = merge(base[key], value) if isinstance(value, dict) else value
    return base
