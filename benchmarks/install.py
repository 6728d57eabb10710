"""What installing downloads, in megabytes: for the study, and what its tests and other extras add.

    python benchmarks/install.py [--json]

Asks pip what it would fetch into an empty environment for this Python, from the indexes that it is
set up with, and the servers how large that is; nothing is installed. torch is counted with the CUDA
packages that its build asks for. PyPI's build is counted, unless pip is told of the other one:

    PIP_FIND_LINKS=https://download.pytorch.org/whl/cpu/torch/ python benchmarks/install.py
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

ROOT = Path(__file__).parents[1]
EXTRAS = {"tests": "dev", "browser": "browser", "cluster": "cluster"}
TORCH = re.compile(r"torch-|triton-|nvidia_|cuda_")


def main() -> None:
    parser = argparse.ArgumentParser(description="megabytes that installing downloads")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    as_json = parser.parse_args().json
    study = fetched("")
    torch = {url for url in study if TORCH.match(Path(url).name)}
    parts = {"study but torch": study - torch, "torch": torch}
    parts |= {part: fetched(extra) - study for part, extra in EXTRAS.items()}
    found = {part: round(sum(map(size, urls)) / 1e6, 1) for part, urls in parts.items()}
    if as_json:
        print(json.dumps(found))
    else:
        for part, megabytes in found.items():
            print(f"{part:16}{megabytes:8.1f} MB in {len(parts[part]):3} files")


def fetched(extra: str) -> set[str]:
    """The addresses of the files that pip would take, the study's own aside."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--dry-run",
             "--ignore-installed", "--constraint", "constraints.txt", "--report", str(report),
             f".[{extra}]" if extra else "."],
            cwd=ROOT, check=True,
        )  # fmt: skip
        taken = json.loads(report.read_text())["install"]
    return {entry["download_info"]["url"] for entry in taken if not entry["is_direct"]}


@cache
def size(url: str) -> int:
    """Bytes of a file on this disk or of what a server says it would send."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path)).stat().st_size
    with urlopen(Request(url, method="HEAD"), timeout=30) as answer:  # noqa: S310  pip's https
        return int(answer.headers["Content-Length"])


if __name__ == "__main__":
    main()
