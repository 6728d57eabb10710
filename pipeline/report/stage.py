"""Everything on one page."""

from pipeline import disk, layout
from pipeline.dvc_yaml import read_entries
from pipeline.report.page import render
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From the results of all stages to `report.html`."""
    disk.write_text(layout.REPORT, render(stage.params, read_entries()))
