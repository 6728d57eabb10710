"""docs/promises.md names tests; each of them is there."""

import re

import pytest

from .conftest import ROOT

TESTS = {path.name: path.read_text() for path in sorted((ROOT / "tests").glob("test_*.py"))}
NAMED = re.findall(
    r"`(tests/test_\w+\.py)?(?:::)?(test_\w+)?`", (ROOT / "docs/promises.md").read_text()
)


@pytest.mark.parametrize(("file", "name"), sorted({pair for pair in NAMED if any(pair)}))
def test_a_named_test_is_there(file, name):
    texts = [TESTS[file.removeprefix("tests/")]] if file else TESTS.values()
    assert any(f"def {name}" in text for text in texts)


def test_every_promise_names_one():
    rows = re.findall(
        r"^\| (?!promise|---)(.+?) \| (.+?) \|", (ROOT / "docs/promises.md").read_text(), re.M
    )
    assert len(rows) > 20
    assert [promise for promise, held in rows if "test_" not in held] == []
