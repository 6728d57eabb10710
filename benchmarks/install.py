"""What installing downloads, in megabytes: for the study, and what tests and other extras add.

    python benchmarks/install.py

Asks pip what it would fetch into an empty environment for this Python, from the indexes that it is
set up with, and the servers how large that is; nothing is installed. torch is counted with the CUDA
packages that its build asks for. PyPI's build is counted, unless pip is told of the other one:

    PIP_FIND_LINKS=https://download.pytorch.org/whl/cpu/torch/ python benchmarks/install.py
"""

import json
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
STUDY = "image-sentiment"
EXTRAS = {"tests": "dev", "browser": "browser", "cluster": "cluster"}
TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")


def main() -> None:
    packages = fetched()
    study = needed(packages, "")
    torch = set(filter(TORCH.fullmatch, study))
    parts = {"study but torch": study - torch, "torch": torch}
    parts |= {part: needed(packages, extra) - study for part, extra in EXTRAS.items()}
    urls = {name: package["download_info"]["url"] for name, package in packages.items()}
    found = {part: sum(size(urls[name]) for name in names) for part, names in parts.items()}
    print(json.dumps({part: round(of / 1e6, 1) for part, of in found.items()}, indent=2))


def fetched() -> dict[str, Any]:
    """What pip would take for the study with all of its extras: by name, as its report says it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--dry-run",
             "--ignore-installed", "--constraint", "constraints.txt", "--report", str(report),
             f".[{','.join(EXTRAS.values())}]"],
            cwd=ROOT, check=True,
        )  # fmt: skip
        taken = json.loads(report.read_text())["install"]
    return {canonicalize_name(package["metadata"]["name"]): package for package in taken}


def needed(packages: dict[str, Any], extra: str) -> set[str]:
    """The names that the study with one extra hangs on, however far."""
    ways = {(STUDY, frozenset({"", extra}))}
    todo = list(ways)
    while todo:
        name, extras = todo.pop()
        for line in packages[name]["metadata"].get("requires_dist", []):
            asked = Requirement(line)
            way = canonicalize_name(asked.name), frozenset({"", *asked.extras})
            marker = asked.marker
            if not marker or any(marker.evaluate({"extra": one}) for one in extras):
                todo += {way} - ways
                ways.add(way)
    return {name for name, _ in ways} - {STUDY}


@cache
def size(url: str) -> int:
    """Bytes of a file on this disk or of what a server says it would send."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path)).stat().st_size
    with urlopen(Request(url, method="HEAD"), timeout=30) as answer:  # noqa: S310 (pip's https)
        return int(answer.headers["Content-Length"])


if __name__ == "__main__":
    main()
