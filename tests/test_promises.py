"""docs/promises.md names tests; each of them is there."""

import re

from .conftest import ROOT

TESTS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
}
PROMISES = (ROOT / "docs/promises.md").read_text()
NAMED = set(re.findall(r"`(tests/[\w/]+\.py)?(?:::)?(test_\w+)?`", PROMISES)) - {("", "")}


def test_every_promise_names_tests_and_each_of_them_is_there():
    for file, name in NAMED:
        texts = [TESTS[file]] if file else TESTS.values()
        assert any(f"def {name}(" in text for text in texts) or not name, (file, name)
    rows = re.findall(r"^\| (?!promise|---)(.+?) \| (.+?) \|", PROMISES, re.M)
    assert len(rows) > 20
    assert [promise for promise, held in rows if "test_" not in held] == []
