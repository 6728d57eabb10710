"""Read every face of `data.source`, check it, keep it, and say what the data is like."""

import os

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline import layout
from pipeline.faces.batch import Fault
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import Faces, read_faces
from pipeline.figures.face_grid import draw_grid
from pipeline.figures.style import save
from pipeline.files import write_csv, write_json
from pipeline.ingest.experiment_copy import check_faces
from pipeline.ingest.ingest import ingest
from pipeline.ingest.recommend import MANY, recommend
from pipeline.ingest.sources import locate
from pipeline.ingest.words import lines
from pipeline.shell import Stage

FER2013 = "fer2013"
"""How the sample's numbers are to be read."""

EXAMPLES = 10
"""Faces of each expression in the figure."""


def work(stage: Stage) -> None:
    """From a CSV file or images to `data/faces`, the data report and the quarantine file."""
    data = stage.params.data
    check_faces(data.source)
    source = locate(data.source, FER2013 if layout.is_sample(data.source) else data.labels)
    scale = source.unit == "B"
    with tqdm(total=source.size, unit=source.unit, unit_scale=scale, desc=stage.name) as bar:
        found, dropped = ingest(source, data.on_bad_row, layout.FACES, bar.update)
    write_json(layout.INGESTED, found)
    write_csv(
        layout.folder(stage.name) / "dropped.csv", pd.DataFrame(dropped, columns=Fault._fields)
    )
    write_json(layout.metrics(stage.name), {"data": found.headline()})
    faces = read_faces(layout.LABELLED)
    rows = [examples(faces, label) for label in range(len(EXPRESSIONS))]
    figure = draw_grid(rows, EXPRESSIONS, "Faces by their label")
    save(figure, layout.figures(stage.name) / "faces.svg")
    if stage.as_json:
        print(layout.INGESTED.read_text(encoding="utf-8"))
        return
    for line in lines(found):
        stage.tell(line)
    # A recipe under way, a DVC experiment, has chosen already.
    if found.labelled.faces >= MANY and "DVC_EXP_NAME" not in os.environ:
        recommend(found.labelled.faces, found.unlabelled.faces, stage.tell)


def examples(faces: Faces, label: int) -> NDArray[np.uint8]:
    """Faces of one label, evenly spread over the file, (n, 48, 48)."""
    places = np.flatnonzero(faces.labels == label)
    chosen = places[np.linspace(0, len(places) - 1, min(EXAMPLES, len(places)), dtype=int)]
    return faces.pixels[chosen]
