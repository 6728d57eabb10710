"""No table shows metrics beside parameters or data that did not make them."""

import json
import shutil
import threading
import time
from hashlib import md5

import pytest
import yaml

from pipeline import layout
from pipeline.driver.stage_graph import read_graph
from pipeline.dvc_yaml import read_locked
from pipeline.params import load
from pipeline.stale import empty_metrics, find_downstream, find_stale, is_emptied

from .conftest import ROOT
from .project import Project, new_project

GRAPH = {
    "split": (["artifacts/settings/checked.txt", "faces.txt"], "split.seed"),
    "evaluate": (["artifacts/split/result.txt"], "evaluate.seed"),
    "confusion": (["artifacts/evaluate/result.txt"], "evaluate.resamples"),
    "lime": (["artifacts/split/result.txt"], "lime.seed"),
}
"""What each stage reads, and the parameters that it follows."""

WORK = """
import json, sys
from pathlib import Path
from pipeline import layout, shell
from pipeline.dvc_yaml import StageEntry
from pipeline.errors import UserError

name = sys.argv[1]

def work(stage):
    if stage.params.evaluate.seed == 13 and name == "evaluate":
        raise UserError("bad luck")
    p = stage.params
    made = {"faces": Path("faces.txt").read_text(), "split": p.split.seed}
    made |= {"evaluate": p.evaluate.seed} if name in ("evaluate", "confusion") else {}
    made |= {"confusion": p.evaluate.resamples} if name == "confusion" else {}
    made |= {"lime": p.lime.seed} if name == "lime" else {}
    layout.metrics(name).write_text(json.dumps(made))
    (layout.folder(name) / "result.txt").write_text(json.dumps(made))

shell.execute(name, StageEntry(name, name, [], [], {}), lambda: sys.modules["__main__"])
"""


def metrics(project):
    """What the metrics files in the workspace hold, by stage."""
    files = (project.folder / "artifacts").glob("*/metrics.json")
    return {file.parent.name: made for file in files if (made := json.loads(file.read_text()))}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """All stages ran, and what they left is committed."""
    folder = tmp_path_factory.mktemp("stale") / "study"
    project = new_project(folder)
    project.environment |= {"PYTHONPATH": str(ROOT), "IMAGE_SENTIMENT_TRACKING": "off"}
    project.run("dvc", "init", "--quiet")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "work.py").write_text(WORK)
    (folder / "faces.txt").write_text("these")
    (folder / ".gitignore").write_text("made_by.json")
    settings = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["settings"]
    stages = {"settings": settings | {"deps": []}}  # there is no code here that it could read
    for name, (deps, params) in GRAPH.items():
        stages[name] = {
            "cmd": f"python work.py {name}",
            "deps": deps,
            "params": [params],
            "outs": [f"artifacts/{name}/result.txt"],
            "metrics": [{f"artifacts/{name}/metrics.json": {"cache": False}}],
        }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    project.run("dvc", "repro")
    project.commit("done")
    return project


@pytest.fixture
def study(done, tmp_path):
    """A copy of it, with DVC's cache."""
    shutil.copytree(done.folder, tmp_path / "study", symlinks=True)
    project = Project(tmp_path / "study")
    project.environment = {**done.environment}
    return project


FACES = {"faces": "these", "split": 0}
ALL = {
    "split": FACES,
    "evaluate": FACES | {"evaluate": 0},
    "confusion": FACES | {"evaluate": 0, "confusion": 2000},
    "lime": FACES | {"lime": 0},
}


@pytest.mark.study
def test_an_experiment_has_the_metrics_that_its_parameters_made_and_no_others(study):
    run = ("dvc", "exp", "run", "--temp", "--name")
    study.run(*run, "otherwise", "-S", "evaluate.seed=5", "evaluate")
    # DVC has all that is asked for in its cache, and runs nothing; of `lime` it has nothing.
    said = study.run(*run, "cached", "-S", "evaluate.seed=5", "-S", "lime.seed=7", "evaluate")
    assert "'evaluate' is cached - skipping run" in said
    shown = {name: metrics for name, (_, metrics) in study.shown().items()}
    evaluated = {"split": FACES, "evaluate": FACES | {"evaluate": 5}}
    assert shown["otherwise"] == evaluated | {"lime": ALL["lime"]}
    assert shown["cached"] == evaluated
    assert shown["workspace"] == shown["commit"] == ALL


@pytest.mark.study
def test_a_workspace_shows_no_former_metrics_and_has_all_again_without_work(study):
    study.change({"evaluate": {"seed": 5}})
    study.run("dvc", "repro", "evaluate")
    evaluated = FACES | {"evaluate": 5}
    _, now = study.shown()["workspace"]
    assert now == {"split": FACES, "evaluate": evaluated, "lime": ALL["lime"]}

    # Other faces, and a stage that fails half-way: what is downstream of either shows nothing.
    (study.folder / "faces.txt").write_text("those")
    study.change({"evaluate": {"seed": 13}})
    assert "evaluate: error: bad luck" in study.run("dvc", "repro", expect=255)
    assert metrics(study) == {"split": {"faces": "those", "split": 0}}

    (study.folder / "faces.txt").write_text("these")
    study.change({"evaluate": {"seed": 0}})
    said = study.run("dvc", "repro")
    assert said.count("Running stage") == said.count("Running stage 'settings'") == 1
    assert metrics(study) == ALL
    assert study.run("git", "status", "--porcelain", "artifacts") == ""


@pytest.mark.study
def test_metrics_of_a_clone_come_back_from_the_cache_though_only_git_had_them(study):
    """As after `dvc pull`: the cache has the outputs, and git the metrics."""
    for name in GRAPH:
        content = (study.folder / f"artifacts/{name}/metrics.json").read_bytes()
        key = md5(content, usedforsecurity=False).hexdigest()
        (study.folder / ".dvc/cache/files/md5" / key[:2] / key[2:]).unlink()
    study.run("python", "work.py", "split")
    assert study.json("artifacts/lime/metrics.json") == {}
    assert "Running stage" not in study.run("dvc", "repro")
    assert metrics(study) == ALL


LOCKED = {
    "settings": {
        "params": {"params.yaml": {"split": {"seed": 0}, "train": {"cnn": {"epochs": 1}}}},
        "outs": [{"path": "artifacts/settings/checked.txt", "md5": "0"}],
    },
    "split": {
        "deps": [{"path": "artifacts/settings/checked.txt", "md5": "0"}],
        "params": {"params.yaml": {"split": {"seed": 0}}},
        "outs": [{"path": "data/split.parquet", "md5": "1"}],
    },
    "train@cnn": {
        "deps": [{"path": "data/split.parquet", "md5": "1"}, {"path": "pipeline", "md5": "2"}],
        "params": {"params.yaml": {"train.cnn.epochs": 1}},
        "outs": [{"path": "artifacts/train/cnn/model.json", "md5": "3"}],
    },
    "report": {"deps": [{"path": "artifacts", "md5": "4"}]},
}
PARAMS = {"split": {"seed": 0}, "train": {"cnn": {"epochs": 1}}}


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({}, set()),
        ({"train": {"cnn": {"epochs": 1.0}}}, set()),
        ({"train": {"cnn": {"epochs": 2}}}, {"settings", "train@cnn", "report"}),
        ({"split": {"seed": 1}}, {"settings", "split", "train@cnn", "report"}),
        ({"split": {"seed": 0, "new": 1}}, {"settings", "split", "train@cnn", "report"}),
        ({"split": {}}, {"settings", "split", "train@cnn", "report"}),
    ],
)
def test_a_stage_is_stale_by_its_parameters_and_by_those_of_what_it_needs(changes, stale):
    assert find_stale(LOCKED, PARAMS | changes) == stale


def test_a_stage_is_stale_if_what_it_has_read_was_made_anew():
    other = [{"path": "data/split.parquet", "md5": "other"}]
    locked = LOCKED | {"split": LOCKED["split"] | {"outs": other}}
    assert find_stale(locked, PARAMS) == {"train@cnn", "report"}


def test_downstream_is_who_reads_a_file_or_the_folder_around_it_and_of_the_settings_nobody():
    assert find_downstream(LOCKED, "split") == {"train@cnn", "report"}
    assert find_downstream(LOCKED, "train@cnn") == {"report"}
    assert find_downstream(LOCKED, "settings") == set()
    assert find_downstream({}, "split") == set()


def test_all_stages_begin_after_the_settings():
    graph = {stage.name: stage.needs for stage in read_graph(ROOT)}
    assert [name for name, needs in graph.items() if not needs] == ["settings"]
    assert "settings" in graph["ingest"]  # which needs no other where faces are the user's own


def test_only_metrics_that_are_there_are_emptied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = layout.metrics("split")
    path.parent.mkdir(parents=True)
    path.write_text('{"split": 1}')
    assert not is_emptied("split")
    for _ in range(2):
        empty_metrics({"split", "lime"})
        assert is_emptied("split")
        assert json.loads(path.read_text()) == {}
    assert not layout.metrics("lime").exists()


def test_nothing_is_stale_where_all_is_as_it_was_committed():
    """Numbers such as 1e-08 included, which DVC writes as YAML 1.2."""
    params = load(ROOT / "params.yaml").model_dump(mode="json")
    assert find_stale(read_locked(ROOT / "dvc.lock"), params) == set()


def test_a_lock_file_that_dvc_is_writing_is_waited_for(tmp_path):
    file, content = tmp_path / "dvc.lock", (ROOT / "dvc.lock").read_bytes()
    file.write_bytes(b"")

    def write():  # as DVC does: in place, and a piece at a time
        with file.open("wb") as lock:
            for start in range(0, len(content), 8192):
                time.sleep(0.1)
                lock.write(content[start : start + 8192])
                lock.flush()

    writer = threading.Thread(target=write)
    writer.start()
    found = read_locked(file)
    writer.join()
    assert found == read_locked(ROOT / "dvc.lock")
    assert len(found) > 10


def test_an_empty_lock_file_says_nothing(tmp_path):
    (tmp_path / "dvc.lock").touch()
    assert read_locked(tmp_path / "dvc.lock") == {}
