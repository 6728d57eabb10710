"""No file runs code, no parameter reaches a shell, no port is open."""

import ast
import hashlib
import pickle
import re
import subprocess
import sys
import tomllib
from contextlib import suppress

import numpy as np
import psutil
import pytest
import torch
import yaml

from pipeline.dvc_yaml import read_locked
from pipeline.errors import UserError
from pipeline.faces.regions import keep_regions
from pipeline.faces.store import read_faces
from pipeline.networks.classifier import Architecture, Classifier
from pipeline.networks.store import load_classifier, save_classifier
from pipeline.params import load
from pipeline.training.checkpoints import Checkpoints

from .conftest import ROOT
from .project import clone_project, free_port, wait_for

CODE = sorted(path for part in ("pipeline", "flows") for path in (ROOT / part).rglob("*.py"))


# Files


def test_a_pickle_in_place_of_any_file_is_refused_and_not_run(tmp_path, bomb):
    folder = tmp_path / "model"
    folder.mkdir()
    save_classifier(Classifier(Architecture("small-dnn", 0.1, "face")), folder)
    for content in (pickle.dumps(bomb), _saved(tmp_path, bomb)):
        (folder / "weights.safetensors").write_bytes(content)
        with pytest.raises(UserError, match="not a model of this study"):
            load_classifier(folder)

        (tmp_path / "regions.npz").write_bytes(content)
        with pytest.raises(UserError, match=r"not an (archive of )?array"):
            keep_regions(tmp_path / "regions.npz", np.array([1]), 1, tmp_path / "kept.npz")

        (tmp_path / "pixels.npy").write_bytes(content)
        with pytest.raises(UserError, match="no readable faces"):
            read_faces(tmp_path)


def test_arrays_of_objects_are_refused_and_not_run(tmp_path, bomb):
    objects = np.array([bomb], dtype=object)
    np.savez(tmp_path / "regions.npz", eyes=objects)
    with pytest.raises(UserError, match="not an archive of arrays"):
        keep_regions(tmp_path / "regions.npz", np.array([1]), 1, tmp_path / "kept.npz")
    np.save(tmp_path / "pixels.npy", objects)
    with pytest.raises(UserError, match="no readable faces"):
        read_faces(tmp_path)


def test_a_checkpoint_with_foreign_code_is_set_aside_and_not_run(tmp_path, bomb):
    checkpoints = Checkpoints(tmp_path / "c", "f" * 32)
    checkpoints.save(1, {"epoch": 1})
    torch.save({"x": bomb}, tmp_path / "hostile")
    digest = hashlib.sha256((tmp_path / "hostile").read_bytes()).hexdigest()[:16]
    (tmp_path / "hostile").rename(tmp_path / f"c/{'f' * 32}-00002-{digest}.pt")
    with pytest.warns(UserWarning, match="damaged"):
        assert checkpoints.load() == {"epoch": 1}


def _saved(folder, content):
    path = folder / "hostile.pt"
    torch.save(content, path)
    return path.read_bytes()


def test_yaml_that_asks_for_an_object_gets_none(tmp_path):
    ran = tmp_path / "ran"
    text = f"!!python/object/apply:os.system ['touch {ran}']\n"
    for name in ("params.yaml", "dvc.lock"):
        (tmp_path / name).write_text(f"data: {text}")
    with pytest.raises(UserError, match="not YAML"):
        load(tmp_path / "params.yaml")
    assert read_locked(tmp_path / "dvc.lock") == {}
    assert not ran.exists()


RUNS = r"(c?pickle|dill|joblib|marshal|shelve|cloudpickle)\."
"""Modules that load what may run."""


def calls():
    """Each call in the study's code: its file and line, its dotted name, its keywords."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                words = {word.arg: ast.unparse(word.value) for word in node.keywords}
                yield f"{path.name}:{node.lineno}", ast.unparse(node.func), words


def test_no_line_of_code_loads_what_could_run():
    """What the tests above try on the files of today holds for any file that comes later."""
    for path in CODE:  # imported by its own name, a function would be called without the module's
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not re.match(RUNS, f"{node.module}."), path
                assert {"torch", "numpy"}.isdisjoint({node.module}) or "load" not in {
                    each.name for each in node.names
                }, path
    found = list(calls())
    assert len(found) > 2000
    needed = {"torch.load": ("weights_only", "True"), "np.load": ("allow_pickle", "False")}
    for place, name, words in found:
        if name in needed:
            keyword, value = needed[name]
            assert words.get(keyword) == value, place
        assert not re.match(RUNS, name), place
        assert name not in {"eval", "exec", "os.system", "os.popen", "pd.read_pickle"}, place
        assert name not in {"mlflow.pytorch.load_model", "torch.hub.load", "torch.jit.load"}, place
        if name == "yaml.load":
            assert words["Loader"] == "loader", place  # either safe loader
        assert words.get("shell", "False") == "False", place


# Parameters and shells


def test_no_command_of_a_stage_has_a_parameter_in_it():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        command = stage.get("do", stage)["cmd"]
        words = re.sub(r"\$\{key\}", "cnn", command)  # of `foreach`, as it stands in dvc.yaml
        assert re.fullmatch(r"python3 -m pipeline [a-z_]+( cnn)?", words), name
        assert not isinstance(stage.get("foreach"), str), name


@pytest.mark.study
@pytest.mark.parametrize(
    "source", ["data/sample; touch ran", "$(touch ran)`touch ran`", "'; touch ran; '"]
)
def test_a_hostile_params_file_runs_no_command(tmp_path, source):
    few = {"sample": {"faces": 70, "unlabelled": 5}, "data": {"source": source}}
    project = clone_project(tmp_path / "project", few)
    said = project.run("dvc", "repro", "--keep-going", expect=(1, 255))
    assert "error" in said.lower()
    assert not (project.folder / "ran").exists()


# Ports


@pytest.mark.study
def test_servers_are_reached_from_this_machine_alone(tmp_path):
    ports = free_port(), free_port()
    project = clone_project(tmp_path / "project", {})
    environment = {
        **project.environment, "PREFECT_SERVER_API_PORT": str(ports[0]),
        "MLFLOW_PORT": str(ports[1]),
    }  # fmt: skip
    environment.pop("STUDY_HOST", None)

    def heard():
        """Where the servers and all that they started listen."""
        found, leader = [], psutil.Process(servers.pid)
        for process in (leader, *leader.children(True)):
            with suppress(psutil.NoSuchProcess):
                found += process.net_connections("inet")
        return {each.laddr for each in found if each.status == psutil.CONN_LISTEN}

    servers = subprocess.Popen(
        [sys.executable, "-m", "flows.servers"], cwd=project.folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: {place.port for place in heard()} >= {*ports})
        assert {place.ip for place in heard()} == {"127.0.0.1"}
    finally:
        servers.terminate()
        servers.wait(60)


# The rules


def test_ruff_checks_security_and_every_exception_says_why():
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in configured["select"]
    assert [rule for rule in configured["ignore"] if rule.startswith("S")] == ["S603"]
    own = [rules for files, rules in configured["per-file-ignores"].items() if files != "tests/**"]
    assert not [rule for rules in own for rule in rules if rule.startswith("S")]
    for path in [*CODE, *(ROOT / "benchmarks").glob("*.py")]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"# noqa: .*\bS\d{3}", line):
                assert re.search(r"# noqa: [A-Z0-9, ]+ +\(.{5,}\)$", line), f"{path}:{number}"
