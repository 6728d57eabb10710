"""Experiments between two clones: through real git and DVC remotes, on one tiny stage."""

import shutil
import socket
from pathlib import Path

import pytest

from flows import remote_experiments
from pipeline.driver.experiment_runs import REPLACED
from pipeline.driver.git import git
from pipeline.errors import UserError

from ..project import Project, new_project

pytestmark = pytest.mark.study

STAGES = """
stages:
  double:
    cmd: >-
      n=$(grep -o '[0-9]*' params.yaml) && echo $((2 * n)) > out.txt
      && echo "{\\"n\\": $n}" > metrics.json
    params: [n]
    outs: [out.txt]
    metrics: [metrics.json: {cache: false}]
"""

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clones of one repository, each with the same DVC remote, in which nothing has run."""
    folder = tmp_path_factory.mktemp("fresh")
    author = new_project(folder / "author")
    author.run("dvc", "init", "--quiet")
    (author.folder / "dvc.yaml").write_text(STAGES)
    (author.folder / "params.yaml").write_text("n: 1\n")
    author.commit("tiny")
    author.run("git", "clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_DVC_REMOTE", str(folder / "storage"))
        for name in NAMES:
            author.run("git", "clone", "--quiet", str(folder / "origin.git"), str(folder / name))
            patch.chdir(folder / name)
            remote_experiments.configure()
    return folder


@pytest.fixture
def clones(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, Project]:
    """A copy of the two for each test."""
    folder = tmp_path / "copy"
    shutil.copytree(fresh, folder)
    for name in NAMES:  # where their remotes are
        for path in (folder / name / ".git" / "config", folder / name / ".dvc" / "config.local"):
            path.write_text(path.read_text().replace(str(fresh), str(folder)))
    monkeypatch.setenv("STUDY_GIT_REMOTE", "origin")
    one, two = (Project(folder / name) for name in NAMES)
    return one, two


def run(project: Project, name: str, n: int) -> None:
    project.run("dvc", "exp", "run", "--temp", "--force", "--name", name, "-S", f"n={n}")


def experiments(project: Project) -> set[str]:
    return set(project.run("dvc", "exp", "list", "--name-only").split())


def test_what_one_clone_made_another_has_with_its_outputs(
    clones: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = clones
    lines: list[str] = []
    run(one, "seven", 7)
    monkeypatch.chdir(one.folder)
    remote_experiments.push("seven", lines.append)
    monkeypatch.chdir(two.folder)
    remote_experiments.fetch(lines.append)
    assert experiments(two) == {"seven"}
    said = two.run("dvc", "exp", "run", "--temp", "--pull", "--name", "mine", "-S", "n=7")
    assert "Stage 'double' is cached - skipping run" in said
    two.run("dvc", "exp", "pull", "origin", "seven")
    two.run("dvc", "exp", "apply", "seven")
    assert (two.folder / "out.txt").read_text() == "14\n"
    assert lines == ["pushes experiment seven to origin", "takes over what other workers did, "
                     "from origin"]  # fmt: skip


def test_of_two_experiments_of_one_name_the_younger_stays(
    clones: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = clones
    run(one, "same", 3)
    monkeypatch.chdir(one.folder)
    remote_experiments.push("same", print)
    run(two, "same", 4)
    monkeypatch.chdir(two.folder)
    younger = git("for-each-ref", "--format=%(objectname)", "refs/exps")
    remote_experiments.fetch(print)
    assert git("for-each-ref", "--format=%(objectname)", "refs/exps") == younger
    remote_experiments.push("same", print)
    monkeypatch.chdir(one.folder)
    remote_experiments.fetch(print)
    assert git("for-each-ref", "--format=%(objectname)", "refs/exps") == younger


def test_an_experiment_that_runs_here_is_not_brought_back_meanwhile(
    clones: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _two = clones
    run(one, "again", 3)
    monkeypatch.chdir(one.folder)
    remote_experiments.push("again", print)
    reference = git("for-each-ref", "--format=%(refname)", "refs/exps") or ""
    git("update-ref", reference.replace("refs/exps/", REPLACED), reference)
    git("update-ref", "-d", reference)
    remote_experiments.fetch(print)
    assert git("for-each-ref", "refs/exps") == ""


def test_a_remote_that_is_away_is_tried_again_and_named_without_secrets(
    clones: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_GIT_REMOTE", "http://somebody:secret@127.0.0.1:9/study.git")
    monkeypatch.setattr(remote_experiments, "PAUSES", (0.0, 0.0))
    lines: list[str] = []
    with pytest.raises(UserError, match="git fetch") as caught:
        remote_experiments.fetch(lines.append)
    assert len([line for line in lines if "tries again" in line]) == 2
    assert "secret" not in str([str(caught.value), *lines])


def test_a_remote_that_says_nothing_is_given_up(
    clones: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clones[0].folder)
    monkeypatch.setattr(remote_experiments, "PAUSES", (0.0,))
    monkeypatch.setattr(remote_experiments, "LONGEST", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/study.git"
        monkeypatch.setenv("STUDY_GIT_REMOTE", address)
        lines: list[str] = []
        with pytest.raises(UserError, match=r"git fetch .* no end after 0\.01 minutes"):
            remote_experiments.fetch(lines.append)
    assert "tries again" in lines[-1]


def test_without_a_remote_nothing_is_exchanged() -> None:
    lines: list[str] = []
    remote_experiments.fetch(lines.append)
    remote_experiments.push("any", lines.append)
    assert lines == []
