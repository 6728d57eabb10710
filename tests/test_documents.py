"""Every figure in the documents has a command, and a revision at which that command can run."""

import re
from functools import partial

import pytest
import yaml

from pipeline.driver import git as driver
from pipeline.params import FORMER

from .conftest import ROOT

git = partial(driver.git, "-C", str(ROOT))

RESULTS = (ROOT / "docs/results.md").read_text()
MADE = re.compile(r"`((?:python|dvc) [^`]+)`\s+at\s+`([0-9a-f]{7})`")
"""How docs/results.md says where a figure comes from: `command` at `revision`."""

FIGURE = re.compile(r"\d\d\.\d %? ?\(\d\d\.\d to \d\d\.\d\)")
"""An accuracy with its interval."""


def test_each_table_of_results_says_which_command_made_it_at_which_revision():
    sections = RESULTS.split("\n## ")[1:]
    measured = [each for each in sections if FIGURE.search(each) or "times as fast" in each]
    assert len(measured) >= 5
    assert [each.splitlines()[0] for each in measured if not MADE.search(each)] == [
        "What are the figures of others?"  # which gives each one's source instead
    ]


@pytest.mark.parametrize(("command", "revision"), sorted(set(MADE.findall(RESULTS))))
def test_the_command_of_a_figure_can_run_at_its_revision(command, revision):
    if git("cat-file", "-e", f"{revision}^{{commit}}") is None:
        pytest.skip(f"this copy of the project has no history that reaches back to {revision}")
    words = command.split()
    files = git("ls-tree", "-r", "--name-only", revision).splitlines()
    if words[0] == "dvc":
        stages = yaml.safe_load(git("show", f"{revision}:dvc.yaml"))["stages"]
        positions = range(2 if words[1] == "repro" else 3, len(words))
        named = [words[i] for i in positions if words[i][0] != "-" and words[i - 1] != "-S"]
        assert [stage for stage in named if stage not in stages] == []
    elif words[1] == "-m":
        assert words[2].replace(".", "/") + "/__main__.py" in files
        if words[3] == "run":
            assert f"recipes/{words[4]}.yaml" in files
    else:
        assert words[1] in files
    params = yaml.safe_load(git("show", f"{revision}:params.yaml"))
    for setting in re.findall(r"-S ([\w.]+)=", command):
        value = params
        for key in setting.split("."):
            assert key in value, f"params.yaml at {revision} has no {setting}"
            value = value[key]


@pytest.mark.parametrize("document", ["README.md", "docs/recipes.md", "docs/installing.md"])
def test_a_figure_of_another_document_is_one_of_results(document):
    known = {normalised(figure) for figure in FIGURE.findall(RESULTS)}
    named = FIGURE.findall((ROOT / document).read_text())
    assert [figure for figure in named if normalised(figure) not in known] == []


def test_the_documents_list_every_former_name_of_a_key():
    table = (ROOT / "docs/recipes.md").read_text()
    assert [old for old, new in FORMER.items() if f"| `{old}` | `{new}` |" not in table] == []


def test_the_words_are_those_of_a_letter_to_a_colleague():
    """Of what is read as text: documents, the page's templates and sentences, what users see."""
    files = [
        *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("weights/*.md"), ROOT / "dvc.yaml",
        *ROOT.glob("recipes/*.yaml"), *ROOT.glob("pipeline/*/words.py"),
        *ROOT.glob("pipeline/**/*.html"),
    ]  # fmt: skip
    assert len(files) > 40
    odd = re.compile(r"\b(tells?|told|stands?|stood|somebody)\b", re.IGNORECASE)
    assert {
        str(file): odd.findall(file.read_text()) for file in files if odd.search(file.read_text())
    } == {}


def normalised(figure: str) -> str:
    return figure.replace(" %", "")
