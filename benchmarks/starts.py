"""What a stage costs before it works, and what it imports.

    python benchmarks/starts.py

A stage's start is the time until its module is imported, in a new process, the best of three,
beside that of the Python interpreter alone and of large libraries. No stage may import what it does
not use: mlflow and prefect never, torch only where a network runs.
"""

import subprocess
import sys
import time
from pathlib import Path

from measured import Measured, report

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.imports import STAGES, modules_loaded, needless


def main() -> None:
    rows = [Measured("start_python", best(["-c", "pass"]), "s")]
    rows += [Measured(f"start_import_{name}", best(["-c", f"import {name}"]), "s")
             for name in ("numpy", "pandas", "torch")]  # fmt: skip
    superfluous = []
    for stage in STAGES:
        module = f"pipeline.{stage}.stage"
        seconds = best(["-c", f"import {module}"])
        loaded = heavy_modules(module)
        superfluous += [f"{stage}: {name}" for name in sorted(needless(stage, loaded))]
        rows.append(Measured(f"start_{stage}", seconds, "s", "", ", ".join(sorted(loaded))))
    rows.append(Measured("needless_imports", len(superfluous), "", "<= 0", "; ".join(superfluous)))
    report(rows)


def best(words: list[str]) -> float:
    """Seconds of a new interpreter, the best of three."""
    found = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True)
        found.append(time.perf_counter() - started)
    return min(found)


def heavy_modules(module: str) -> set[str]:
    """Which slow libraries a module imports."""
    names = {"torch", "mlflow", "prefect", "pandas", "matplotlib", "sklearn", "captum", "scipy"}
    return names & modules_loaded(f"import {module}")


if __name__ == "__main__":
    main()
