"""What a stage costs before it works, and what it imports.

    python benchmarks/starts.py

A stage's start is the time until its module is imported, in a new process, the best of three,
beside that of the Python interpreter alone and of large libraries. No stage may import what it does
not use: mlflow and prefect never, torch only where a network runs.
"""

import subprocess
import sys
from pathlib import Path
from timeit import repeat

from measured import Measured, report

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.imports import STAGES, modules_loaded, needless


def main() -> None:
    rows = [Measured("start_python", best("pass"), "s")]
    rows += [Measured(f"start_import_{name}", best(f"import {name}"), "s")
             for name in ("numpy", "pandas", "torch")]  # fmt: skip
    superfluous = []
    for stage in STAGES:
        module = f"pipeline.{stage}.stage"
        seconds = best(f"import {module}")
        loaded = heavy_modules(module)
        superfluous += [f"{stage}: {name}" for name in sorted(needless(stage, loaded))]
        rows.append(Measured(f"start_{stage}", seconds, "s", "", ", ".join(sorted(loaded))))
    rows.append(Measured("needless_imports", len(superfluous), "", "<= 0", "; ".join(superfluous)))
    report(rows)


def best(code: str) -> float:
    """Seconds of a new interpreter, the best of three."""
    command = [sys.executable, "-c", code]
    return min(repeat(lambda: subprocess.run(command, check=True), number=1, repeat=3))


def heavy_modules(module: str) -> set[str]:
    """Which slow libraries a module imports."""
    names = {"torch", "mlflow", "prefect", "pandas", "matplotlib", "sklearn", "captum", "scipy"}
    return names & modules_loaded(f"import {module}")


if __name__ == "__main__":
    main()
