"""Run one stage of the study: `python3 -m pipeline saliency`, in the project's folder.

DVC does just that, with the first Python that the shell finds. So this file is for any Python 3.
"""

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("captum", "pandas", "pydantic", "torch")
"""A Python that has all of them is the study's, or is meant to be."""


def main() -> None:
    """Go on in the study's Python, and run the stage that the command line names."""
    _find_python()
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Run one stage.")
    parser.add_argument("stage", help="as in dvc.yaml, such as train")
    parser.add_argument("key", nargs="?", help="which of several, such as cnn")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--json", action="store_true", help="print what ingest read as json")
    chosen = parser.parse_args()
    run = import_module("pipeline.shell").run
    name = "@".join(filter(None, (chosen.stage, chosen.key)))
    run(name, debug=chosen.debug, as_json=chosen.json)


def _find_python() -> None:
    """Go on in the project's own Python if this is another; say what to do if there is none."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if not missing:
        return
    # A copy of the project, such as that of `dvc exp run --temp`, has no environment of its own.
    place = Path(os.environ.get("DVC_ROOT") or ".").resolve() / ".venv"
    own = place / "bin" / "python"
    words = getattr(sys, "orig_argv", [])  # from Python 3.10 on
    if own.exists() and words and place.resolve() != Path(sys.prefix).resolve():
        os.execv(own, [str(own), *words[1:]])  # noqa: S606 (there is no shell in it)
    sys.exit(
        "error: {} has no {}, which the study needs: first `source .venv/bin/activate`, or run "
        "`make study`, which sets everything up".format(sys.executable, ", ".join(missing))
    )


if __name__ == "__main__":
    main()
