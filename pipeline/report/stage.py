"""Everything on one page."""

from pipeline import disk, layout, shell
from pipeline.report.page import render
from pipeline.report.reading import read_content


def work(stage: shell.Stage) -> None:
    """From the results of all stages to `report.html`."""
    disk.write_text(layout.REPORT, render(read_content(stage.params)))
    stage.journal.artifact(layout.REPORT, on_parent=True)


def main() -> None:
    """Run the stage as a program."""
    shell.run("report", work, own_params=lambda _: {})
