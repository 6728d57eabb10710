"""What would end or lose an experiment is named first, with a command that mends it."""

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.driver.git import git
from pipeline.driver.workspace import check_workspace
from pipeline.errors import UserError

WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")

SCENES = {
    "no repository": ("rm -rf .git", "not a git repository"),
    "no commit": ("rm -rf .git && git init", "git: no commit here"),
    "shallow": (
        "git commit --allow-empty -m more && cd .. && mv project origin"
        " && git clone --depth 1 file://$PWD/origin project",
        "git: this clone is shallow",
    ),
    "no identity": ("unset", "git: user.name and user.email not set"),
    "umlaut": ("", "plain letters"),
    "no folder of DVC": ("rm -r .dvc", "you are not inside of a DVC repository"),
    "unknown code": (
        "mkdir pipeline && touch pipeline/new.py",
        "pipeline/new.py: not known to git",
    ),
}


def shell(command: str) -> None:
    subprocess.run(["bash", "-ec", command], check=True, capture_output=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user that git knows by the environment alone."""
    for variable in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for variable in WHO:
        monkeypatch.setenv(variable, "test@example.org")
    return tmp_path


def enter(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project with a first commit, and work in it."""
    project.mkdir()
    monkeypatch.chdir(project)
    shell(
        "git init && mkdir .dvc && touch .dvc/config params.yaml && echo 'stages: {}' >dvc.yaml"
        " && git add --all && git commit -m first"
    )


@pytest.mark.parametrize(("prepare", "message"), SCENES.values(), ids=SCENES)
def test_what_is_refused_is_taken_once_its_advice_is_followed(
    prepare: str, message: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = home / ("stüdy" if "letters" in message else "project")
    enter(project, monkeypatch)
    if "letters" not in message:
        check_workspace()
    if prepare == "unset":
        for variable in WHO:
            monkeypatch.delenv(variable)
        prepare = ""
    shell(prepare)
    os.chdir(project)  # the folder of that name may be another now
    with pytest.raises(UserError) as caught:
        check_workspace()
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    shell(said.rpartition(": ")[2].rpartition(" as in ")[2])
    check_workspace()


def test_what_git_says_of_a_folder_of_another_owner_is_passed_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(home / "project", monkeypatch)
    # As git's own tests do: a folder of another user's needs root.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    with pytest.raises(UserError, match=r"dubious ownership .* safe\.directory") as caught:
        check_workspace()
    assert "\n" not in str(caught.value)
    shell(str(caught.value).rpartition("call: ")[2])
    assert git("rev-parse", "--git-dir")


def test_where_git_is_missing_that_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(home / "project", monkeypatch)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(UserError, match="install git first"):
        check_workspace()
