"""Read every face of `data.source`, check it, keep it, and say what the data is like."""

import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline import layout, shell
from pipeline.compute import list_gpus
from pipeline.faces.batch import Fault
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import Faces, read_faces
from pipeline.figures.face_grid import draw_grid
from pipeline.figures.style import save
from pipeline.files import write_csv, write_json
from pipeline.ingest.ingest import IngestReport, ingest
from pipeline.ingest.sources import Source, locate

EXAMPLES = 10
"""Faces of each expression in the figure."""

MANY = 5000
"""Faces from which the settings of params.yaml, made for the sample, are too few and too small."""

RECIPES = ("half-hour", "hour")
"""What is meant for so many, without a GPU."""

RECIPES_FOR_A_GPU = ("gpu", "ensemble")
"""And with one."""


def work(stage: shell.Stage) -> None:
    """From a CSV file or images to `data/faces`, the data report and the quarantine file."""
    data = stage.params.data
    source = locate(data.source)
    if source.overlooked is not None:
        tqdm.write(
            f"{source.overlooked.name} beside {source.labelled.name} is not read: "
            "name the folder in data.source to have both"
        )
    with tqdm(total=source.size, unit="B", unit_scale=True, desc=stage.name) as bar:
        report = ingest(
            source, data.on_bad_row, layout.LABELLED, layout.UNLABELLED, layout.REGIONS, bar.update
        )
    folder, figures = layout.folder(stage.name), layout.figures(stage.name)
    write_json(folder / "report.json", asdict(report) | {"dropped": len(report.dropped)})
    write_csv(folder / "dropped.csv", pd.DataFrame(report.dropped, columns=Fault._fields))
    numbers = headline(report)
    write_json(layout.metrics(stage.name), {"data": numbers})
    faces = read_faces(layout.LABELLED)
    rows = [examples(faces, label) for label in range(len(EXPRESSIONS))]
    save(draw_grid(rows, EXPRESSIONS, "Faces by their label"), figures / "faces.svg")

    for name, faces_read in count_faces(source, report).items():
        stage.journal.dataset(name, data.source, report.files[name], faces_read, "ingest")
    stage.journal.metrics({f"data.{name}": value for name, value in numbers.items()})
    stage.journal.artifact(folder / "report.json")
    stage.journal.artifact(figures / "faces.svg", "figures")
    # A recipe under way, a DVC experiment, has chosen already.
    if report.labelled.faces >= MANY and "DVC_EXP_NAME" not in os.environ:
        recommend(stage, report)


def recommend(stage: shell.Stage, report: IngestReport) -> None:
    """Say which recipes are meant for so many faces, and how long their trainings take here."""
    faces, unlabelled = report.labelled.faces, report.unlabelled.faces
    recipes = RECIPES_FOR_A_GPU if list_gpus() else RECIPES
    stage.tell(
        f"params.yaml as it comes is set for the sample; for {faces:,} faces there are recipes: "
        f"make recipe NAME={recipes[0]}"
    )
    if recipes == RECIPES_FOR_A_GPU:  # minutes, as the README says; how many, only a GPU knows
        return
    # A program of its own: what it counts with is no reason to read the faces again.
    asked = ["times", *recipes, "--faces", str(faces), "--unlabelled", str(unlabelled)]
    subprocess.run([sys.executable, "-m", "pipeline.experiments", *asked], check=False)


def count_faces(source: Source, report: IngestReport) -> dict[str, int]:
    """The faces kept of each file, or of the folder of images; regions are no faces."""
    counts = {source.labelled.name: report.labelled.faces}
    if source.unlabelled is not None:
        name = source.unlabelled.name
        counts[name] = counts.get(name, 0) + report.unlabelled.faces
    return counts


def headline(report: IngestReport) -> dict[str, int]:
    """The counts by which one set of faces is told from another."""
    return {
        "labelled": report.labelled.faces,
        "unlabelled": report.unlabelled.faces,
        "copies": report.labelled.copies,
        "blank": report.labelled.constant,
        "shared": report.shared,
        "dropped": len(report.dropped),
    }


def examples(faces: Faces, label: int) -> NDArray[np.uint8]:
    """Faces of one label, evenly spread over the file, (n, 48, 48)."""
    places = np.flatnonzero(faces.labels == label)
    chosen = places[np.linspace(0, len(places) - 1, min(EXAMPLES, len(places)), dtype=int)]
    return faces.pixels[chosen]


def main() -> None:
    """Run the stage as a program."""
    shell.run("ingest", work, own_params=lambda params: params.data.model_dump())
