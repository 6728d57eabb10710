"""Everything on one page, and the most important numbers in the terminal."""

from pathlib import Path

from pipeline import layout
from pipeline.report.page import render
from pipeline.report.reading import read_content
from pipeline.report.terminal import print_results
from pipeline.stages import shell


def work(stage: shell.Stage) -> None:
    """From the results of all stages to `report.html`."""
    content = read_content(stage.params)
    write_page(layout.REPORT, render(content))
    stage.journal.artifact(layout.REPORT, on_parent=True)
    print_results(content.evaluation, content.semisupervised)


def write_page(path: Path, page: str) -> None:
    """Write a page; complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(page, encoding="utf-8", newline="\n")
    partial.replace(path)


if __name__ == "__main__":
    shell.run("report", work, own_params=lambda _: {})
