"""All benchmarks, in their short versions: `make bench`, or `python benchmarks/bench.py [FILE]`.

Prints one table and writes results.json and RESULTS.md beside this file. FILE is a faces file for
the reading benchmark; without one it reads random faces.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import INTO, Measured, table

from pipeline import disk

HERE = Path(__file__).parent

SCRIPTS = (("ingest.py", "--repeats", "2"), ("steps.py", "--rounds", "3"), ("explaining.py",),
           ("starts.py",), ("flow.py", "--faces", "1500"))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--only", action="append", help="a script, such as steps; may be repeated")
    chosen = parser.parse_args()
    rows, started = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number, (script, *words) in enumerate(SCRIPTS):
            if chosen.only and script.removesuffix(".py") not in chosen.only:
                continue
            into = Path(folder) / f"{number}.jsonl"
            if script == "ingest.py" and chosen.file:
                words.append(str(chosen.file))
            print(f"\n{script} {' '.join(words)}", flush=True)
            command = [sys.executable, str(HERE / script), *words]
            subprocess.run(command, check=True, env={**os.environ, INTO: str(into)})
            rows += [Measured(**json.loads(line)) for line in into.read_text().splitlines()]
    minutes = (time.monotonic() - started) / 60
    machine = describe_machine()
    faces = chosen.file.name if chosen.file else "random"
    rows.append(Measured("bench_minutes", minutes, "min", "<= 15", f"reading {faces} faces"))
    found = {row.name: row.value for row in rows}
    if not chosen.only:
        disk.write_text(
            HERE / "results.json", json.dumps({"machine": machine, **found}, indent=2) + "\n"
        )
        disk.write_text(HERE / "RESULTS.md", page(rows, machine, minutes))
    print(f"\n{table(rows)}\n\n{minutes:.1f} minutes")


def describe_machine() -> dict[str, str]:
    import torch

    from pipeline.training import speed

    git = ["git", "describe", "--always", "--dirty"]
    return {
        "processor": speed.describe_machine().partition(", ")[0],
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "revision": subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip(),
    }


def page(rows: list[Measured], machine: dict[str, str], minutes: float) -> str:
    lines = [f"{name}: {value}" for name, value in machine.items()]
    return (
        "# Results\n\nThe last full output of `make bench`, which wrote this page in "
        f"{minutes:.1f} minutes. It is of the revision named below: what has changed since, "
        f"`git log --oneline {machine['revision']}..` says.\n\n"
        f"{'; '.join(lines)}\n\n{table(rows)}\n"
    )


if __name__ == "__main__":
    main()
