"""Which expressions the CNN takes for which, on the test faces."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pipeline import layout
from pipeline.analysis.confusion import count_confusion, most_confused, normalise_rows
from pipeline.data.expressions import EXPRESSIONS
from pipeline.figures.matrices import draw_confusion
from pipeline.figures.style import save
from pipeline.params import MODELS
from pipeline.stages import shell
from pipeline.stages.files import read_parquet, write_csv, write_json


def work(stage: shell.Stage) -> None:
    """From predictions to a matrix a model: figure, table for DVC's own plot, numbers."""
    folder, figures = layout.folder(stage.name), layout.figures(stage.name)
    predictions = read_parquet(layout.PREDICTIONS).query("part == 'test'")
    labels = predictions["label"].to_numpy()
    names = np.array(EXPRESSIONS)
    results: dict[str, Any] = {}
    for model in MODELS:
        columns = [f"{model}_{name}" for name in EXPRESSIONS]
        predicted = predictions[columns].to_numpy().argmax(axis=1)
        counts = count_confusion(labels, predicted)
        results[model] = {
            "rows": "true",
            "columns": "predicted",
            "classes": list(EXPRESSIONS),
            "counts": counts.tolist(),
            "shares": normalise_rows(counts).tolist(),
            "most_confused": [asdict(pair) for pair in most_confused(counts)],
        }
        classes = pd.DataFrame({"actual": names[labels], "predicted": names[predicted]})
        write_csv(folder / f"{model}.csv", classes)
        figure = draw_confusion(counts, f"{model.upper()}: true against predicted, test faces")
        save(figure, figures / f"{model}.svg")
        stage.journal.artifact(figures / f"{model}.svg", "figures")
    write_json(folder / "confusion.json", results)
    stage.journal.artifact(folder / "confusion.json")


if __name__ == "__main__":
    shell.run("confusion", work, own_params=lambda _: {})
