"""Everything on one page."""

from pipeline import disk, layout
from pipeline.dvc_yaml import read_entries
from pipeline.errors import UserError
from pipeline.report.page import render
from pipeline.shell import Stage
from pipeline.stale import find_emptied


def work(stage: Stage) -> None:
    """From the results of all stages to `report.html`.

    Raises:
        UserError: some are of other parameters or data; never where DVC runs the stage.
    """
    if emptied := find_emptied():
        told = f"{', '.join(emptied)}: results of other parameters or data; make them anew"
        raise UserError(f"{told} with `dvc repro`")
    disk.write_text(layout.REPORT, render(stage.params, read_entries()))
