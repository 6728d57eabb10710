"""Part the labelled faces into train, validation and test."""

import pandas as pd

from pipeline import layout, shell
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.figures.curves import draw_counts
from pipeline.figures.style import save
from pipeline.files import write_json, write_parquet
from pipeline.split.split import PARTS, count_leaks, split_faces


def work(stage: shell.Stage) -> None:
    """From the faces' table to `data/split.parquet`: one row a face, its index and its part."""
    table = read_faces(layout.LABELLED).table
    parts = split_faces(table, stage.params.split)
    write_parquet(layout.SPLIT, pd.DataFrame({"face": range(len(parts)), "part": parts}))

    numbers = {part: int((parts == part).sum()) for part in PARTS}
    leaks = count_leaks(table["md5"].to_numpy(), parts)
    write_json(layout.metrics(stage.name), {"split": numbers | {"copies_across_parts": leaks}})
    counts = {
        part: dict(zip(EXPRESSIONS, _count(table[parts == part]), strict=True)) for part in PARTS
    }
    figure = draw_counts(counts, "Labelled faces by expression and part")
    save(figure, layout.figures(stage.name) / "counts.svg")

    stage.journal.metrics({f"split.{part}": count for part, count in numbers.items()})
    stage.journal.artifact(layout.figures(stage.name) / "counts.svg", "figures")


def _count(table: pd.DataFrame) -> list[int]:
    return [int((table["label"] == label).sum()) for label in range(len(EXPRESSIONS))]


def main() -> None:
    """Run the stage as a program."""
    shell.run("split", work, own_params=lambda params: params.split.model_dump())
