"""Find the faces that show one photograph, and say how far their labels agree."""

import numpy as np

from pipeline import layout
from pipeline.faces.photographs import Photographs, write_photographs
from pipeline.faces.store import read_faces
from pipeline.files import write_json
from pipeline.photographs.agreement import measure_agreement
from pipeline.photographs.near_copies import count_copies, group_photographs
from pipeline.photographs.result import PhotographsResult
from pipeline.photographs.words import copies
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From all faces to `data/photographs.parquet`, counts of copies and what labels allow."""
    faces, others = read_faces(layout.LABELLED), read_faces(layout.UNLABELLED)
    md5 = np.concatenate([faces.table["md5"], others.table["md5"]])
    numbers = group_photographs([faces.pixels, others.pixels], md5)
    found = Photographs(numbers[: len(faces)], numbers[len(faces) :])
    write_photographs(layout.PHOTOGRAPHS, found)
    images = faces.table["md5"].to_numpy()
    result = PhotographsResult(
        copies=count_copies(found, images, others.table["md5"].to_numpy()),
        agreement=measure_agreement(found.labelled, images, faces.labels),
    )
    write_json(layout.folder(stage.name) / "photographs.json", result)
    write_json(layout.metrics(stage.name), {"photographs": result.copies})
    stage.tell(copies(result.copies))
