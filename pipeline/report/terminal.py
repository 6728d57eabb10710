"""The study's results in a few lines, for a terminal."""

from collections.abc import Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from pipeline import layout
from pipeline.dvc_yaml import Entry


def results_table(stages: Sequence[Entry]) -> Table:
    """The rows that stages have for a terminal: `terminal_rows` of their `words.py`."""
    table = Table(title="Accuracy on the test faces", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    for stage in stages:
        module = f"pipeline.{stage.name}"
        try:
            words = import_module(f"{module}.words")
        except ModuleNotFoundError:
            continue
        if hasattr(words, "terminal_rows"):
            for row in words.terminal_rows(import_module(f"{module}.result").read()):
                table.add_row(*row)
            table.add_section()
    return table


def print_results(stages: Sequence[Entry], console: Console | None = None) -> None:
    """Print the table and where the whole report lies."""
    console = console or Console()
    console.print(results_table(stages))
    # The path stays on one line and whole, so that it can be clicked or copied.
    console.print(f"Report: {layout.REPORT}", soft_wrap=True, highlight=False)
