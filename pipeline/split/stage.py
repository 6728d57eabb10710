"""Part the labelled faces into train, validation and test."""

import numpy as np
import pandas as pd

from pipeline import layout
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.photographs import read_photographs
from pipeline.faces.store import read_faces
from pipeline.figures.style import save
from pipeline.files import write_json, write_parquet
from pipeline.shell import Stage
from pipeline.split.figures import draw_counts
from pipeline.split.official import part_sizes
from pipeline.split.result import Parts
from pipeline.split.split import PARTS, count_leaks, count_leaks_by_near_copies, split_faces
from pipeline.split.words import lines


def work(stage: Stage) -> None:
    """From the faces' table to `data/split.parquet`: one row a face, its index and its part."""
    photographs = read_photographs(layout.PHOTOGRAPHS).labelled
    table = read_faces(layout.LABELLED).table.assign(photograph=photographs)
    parts = split_faces(table, stage.params.split)
    write_parquet(layout.SPLIT, pd.DataFrame({"face": range(len(parts)), "part": parts}))
    found = Parts(
        **{part: int((parts == part).sum()) for part in PARTS},
        copies_across_parts=count_leaks(photographs, parts),
        by_exact_copies_alone=count_leaks_by_near_copies(table, stage.params.split),
    )
    write_json(layout.metrics(stage.name), {"split": found})
    for line in lines(found, part_sizes(table), stage.params.split):
        stage.tell(line)
    counts = {
        part: np.bincount(table["label"][parts == part], minlength=len(EXPRESSIONS))
        for part in PARTS
    }
    figure = draw_counts(counts, "Labelled faces by expression and part")
    save(figure, layout.figures(stage.name) / "counts.svg")
