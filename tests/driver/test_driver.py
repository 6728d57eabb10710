"""The driver of DVC on small projects: the graph, what stages print, what became of them."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.driver import output_lines
from pipeline.driver.output_lines import LineLog, read_text, split_parts
from pipeline.driver.stage_graph import Stage, read_graph
from pipeline.driver.stage_runs import follow, reproduce
from pipeline.errors import UserError

STAGES = """
stages:
  both:
    cmd: cat fit-a.txt fit-b.txt light.txt > both.txt
    deps: [fit-a.txt, fit-b.txt, light.txt]
    outs: [both.txt]
  source:
    cmd:
      - echo key $STUDY_REPRODUCTION
      - cut -d' ' -f5 /proc/self/stat
      - echo 1 > source.txt && echo 2 > source.json
    deps: [input.txt]
    outs: [source.txt]
    metrics: [source.json: {cache: false}]
  fit:
    matrix: {model: [a, b]}
    cmd: cp source.txt fit-${item.model}.txt
    deps: [source.txt]
    outs: ["fit-${item.model}.txt"]
    meta: {compute: heavy}
  light: {cmd: cp source.txt light.txt, deps: [source.txt], outs: [light.txt]}
  sly: {cmd: "echo \\"Stage 'sly' didn't change, skipping\\"; touch sly.txt", outs: [sly.txt]}
  which: {cmd: "python -c 'import sys; print(sys.executable)' > which.txt", outs: [which.txt]}
  bad: {cmd: "echo no faces >&2; exit 3", deps: [both.txt, sly.txt, which.txt]}
  slow: {cmd: "echo slow starts; sleep 60; echo late"}
"""

GRAPH = [
    Stage("source", metrics=("source.json",)),
    Stage("fit@a", ("source",), is_heavy=True),
    Stage("fit@b", ("source",), is_heavy=True),
    Stage("light", ("source",)),
    Stage("both", ("fit@a", "fit@b", "light")),
]


def make_project(root: Path, stages: str = STAGES) -> Path:
    from dvc.repo import Repo

    Repo.init(str(root), no_scm=True).close()
    (root / "dvc.yaml").write_text(stages)
    (root / "input.txt").touch()
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


# The graph


def test_the_graph_has_stages_in_order_with_what_they_need(project: Path) -> None:
    found = [stage for stage in read_graph(project) if stage.name in {each.name for each in GRAPH}]
    assert found == GRAPH
    for targets, expected in (
        (["source"], "source"),
        (["fit"], "source fit@a fit@b"),
        (["light", "fit@b"], "source light fit@b"),
    ):
        assert {stage.name for stage in read_graph(project, targets)} == set(expected.split())
    with pytest.raises(UserError, match=r"'fits' is not in dvc\.yaml; there are: .*fit@a"):
        read_graph(project, ["source", "fits"])


@pytest.mark.study
def test_the_graph_knows_data_and_stages_that_dvc_addresses_by_file(project: Path) -> None:
    from dvc.repo import Repo

    (project / "raw.csv").write_text("faces")
    (project / "sub").mkdir()
    (project / "sub" / "dvc.yaml").write_text(
        "stages: {copy: {cmd: cp ../raw.csv ., deps: [../raw.csv], outs: [raw.csv]}}"
    )
    with Repo(str(project)) as repo:
        repo.add(str(project / "raw.csv"))
    stages = {stage.name: stage for stage in read_graph(project)}
    assert stages["sub/dvc.yaml:copy"].needs == ("raw.csv.dvc",)
    assert reproduce("raw.csv.dvc", project, str).state == "cached"
    assert reproduce("sub/dvc.yaml:copy", project, str).state == "ran"


@pytest.mark.parametrize(
    ("text", "message"),
    [("stages: {a: {cmd: [}", "dvc.yaml"), ("stages: {a: {outs: [x]}}", "dvc.yaml"), ("", "no st")],
)
def test_an_unreadable_project_is_the_users_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        read_graph(tmp_path)  # no project of DVC's at all
    make_project(tmp_path, text)
    with pytest.raises(UserError, match=message):
        read_graph(tmp_path)


# Output


def lines_of(pieces: list[str], clock: Callable[[], float] = lambda: 0.0) -> list[str]:
    lines: list[str] = []
    log = LineLog(lines.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output_lines, "time", SimpleNamespace(monotonic=clock))
        for text, end in split_parts(pieces):
            log(text, end)
    return lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\n\r\n\ntwo", ["one", "two"]),
        ("\r  0%|\r 50%|\r100%|\nsaved\n", ["  0%|", "100%|", "saved"]),
        ("\r  0%|\r 50%|\r 60%|\r\n", ["  0%|", " 60%|"]),
        ("\r  0%|\r 50%|\r 60%|\r", ["  0%|", " 60%|"]),
        ("\x1b[31mred\x1b[0m\x1b[A\n", ["red"]),
    ],
)
def test_a_log_gets_lines_without_empty_ones_and_few_states_of_bars(
    text: str, lines: list[str]
) -> None:
    assert lines_of([text]) == lines


def test_a_log_gets_a_bar_now_and_then() -> None:
    now = iter(range(0, 100, 3))
    text = "".join(f"\rstep {step}" for step in range(10)) + "\n"
    found = lines_of([text], clock=lambda: next(now))
    assert found == ["step 0", "step 4", "step 8", "step 9"]


@given(st.lists(st.text(alphabet="ab \r\n", max_size=6), max_size=12))
def test_lines_do_not_depend_on_where_the_text_is_cut(pieces: list[str]) -> None:
    assert lines_of(pieces) == lines_of(["".join(pieces)])


def test_output_comes_at_once_is_decoded_across_reads_and_never_fails() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        parts = split_parts(read_text(pipe, lambda: 10.0))
        os.write(writing, "\r 50%|\rsé".encode()[:-1])
        assert (next(parts), next(parts)) == (("", "\r"), (" 50%|", "\r"))
        os.write(writing, "é".encode()[1:] + b"\xff\n")
        os.close(writing)
        assert list(parts) == [("sé\N{REPLACEMENT CHARACTER}", "\n"), ("", "")]


# Stages


@pytest.mark.study
def test_a_stage_runs_once_then_is_cached_unless_forced(project: Path) -> None:
    lines: list[str] = []
    first = reproduce("source", project, lines.append, environment={"STUDY_REPRODUCTION": "k"})
    assert (first.state, first.message) == ("ran", f"ran in {first.seconds:.1f} s")
    assert "key k" in lines
    # In this process's group, so that whoever ends the group ends the stage.
    assert str(os.getpgrp()) in map(str.strip, lines)
    assert not any("git add" in line for line in lines)
    assert reproduce("source", project, str).state == "cached"
    (project / "source.txt").unlink()
    assert reproduce("source", project, str).state == "cached"  # restored from DVC's cache
    assert reproduce("source", project, str, force=True).state == "ran"


@pytest.mark.study
def test_a_stage_that_takes_too_long_is_ended_with_all_it_started(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[psutil.Process] = []
    before = set(psutil.Process().children(recursive=True))  # those of other tests
    late = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late[0])
    monkeypatch.setattr("pipeline.driver.stage_runs.time", clock)

    def log(line: str) -> None:
        if line == "slow starts":
            children.extend(set(psutil.Process().children(recursive=True)) - before)
            late[0] = 601

    outcome = reproduce("slow", project, log, timeout=600)
    assert (outcome.state, outcome.message) == ("failed", "ended: it took longer than 600 s")
    assert len(children) >= 2  # DVC and the stage
    assert not psutil.wait_procs(children, timeout=1)[1]


def test_all_stages_of_one_call_are_told_apart(project: Path) -> None:
    heard: list[tuple[str, str]] = []
    ended: list[tuple[str, str]] = []
    outcome = follow(
        ["repro", "bad"],
        hear=lambda stage, text, _end: heard.append((stage, text)),
        ended=lambda stage, outcome: ended.append((stage, outcome.state)),
        folder=project,
    )
    names = [*(stage.name for stage in GRAPH), "sly", "which"]
    # One of them prints that it was skipped, as DVC does.
    assert sorted(ended[:-1]) == sorted((name, "ran") for name in names)
    assert ended[-1] == ("bad", outcome.state) == ("bad", "failed")
    assert ("fit@b", "> cp source.txt fit-b.txt") in heard
    # Stages call the Python that runs this.
    called = (project / "which.txt").read_text()
    assert Path(called).parent == Path(sys.executable).parent
    assert not outcome.was_killed
    assert "exit status 255" in outcome.message
    assert "\nno faces\n" in outcome.message
