"""Show the results in a terminal, without computing anything: `python -m pipeline.report`."""

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec

from rich.console import Console
from rich.table import Table

from pipeline import layout
from pipeline.command import command
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.stale import find_emptied


@command("report")
def main() -> int:
    """Print them; returns the exit status."""
    argparse.ArgumentParser(prog="python -m pipeline.report", description=__doc__).parse_args()
    print_results()
    return 0


def print_results(console: Console | None = None) -> None:
    """Print the rows that stages have for it, `terminal_rows` of their `words.py`, and the path.

    What other parameters or data have made is named, and not shown.

    Raises:
        UserError: the study has not been run.
    """
    if not layout.REPORT.is_file():
        raise UserError(f"{layout.REPORT}: no such file; make it with `dvc repro`")
    table = Table(title="Accuracy on the test faces", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    emptied = find_emptied()
    shown = [entry for entry in read_entries() if not set(emptied) & set(entry.names)]
    for stage in (f"pipeline.{entry.name}" for entry in shown):
        words = import_module(f"{stage}.words") if find_spec(f"{stage}.words") else None
        if words and hasattr(words, "terminal_rows"):
            for row in words.terminal_rows(import_module(f"{stage}.result").read()):
                table.add_row(*row)
            table.add_section()
    console = console or Console()
    console.print(table)
    told = f"Report: {layout.REPORT}"
    if emptied:
        told = (
            "Not shown, being of other parameters or data: the report, "
            f"{', '.join(sorted(emptied))}; `dvc repro` makes them anew"
        )
    # The path stays on one line and whole, so that it can be clicked or copied.
    console.print(told, soft_wrap=True, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
