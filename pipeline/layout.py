"""Where everything lies: which folder belongs to which stage, and the files that stages share.

Paths are relative to the project's root, which is where DVC starts every stage. Stages pass paths
on to functions, which know none.
"""

from pathlib import Path

PARAMS = Path("params.yaml")

# Made by `settings`: always the same, and there for DVC, which begins all else after it.
SETTINGS = Path("artifacts/settings/checked.txt")

# Made by `sample`.
SAMPLE = Path("data/sample")

# Made by `ingest`: a folder with `pixels.npy` and `table.parquet` each (`pipeline.faces.store`).
FACES = Path("data/faces")
LABELLED = FACES / "labelled"
UNLABELLED = FACES / "unlabelled"
REGIONS = FACES / "regions.npz"
"""Where brows, eyes and mouth are, for sources that know it (the sample faces do)."""

# Made by `photographs`.
PHOTOGRAPHS = Path("data/photographs.parquet")

# Made by `split`.
SPLIT = Path("data/split.parquet")

ARTIFACTS = Path("artifacts")
CHECKPOINTS = Path(".checkpoints")
"""Survives a killed run; outside DVC's outputs, which DVC deletes before a stage starts."""

WEIGHTS = Path("weights")
"""The network that is at hand before anything is trained here, with its card."""

REPORT = Path("report/report.html")
"""Beside the artifacts, all of which it depends on."""

INGESTED = ARTIFACTS / "ingest" / "ingest.json"
SUBMISSION = ARTIFACTS / "predict" / "submission.csv"
PREDICTIONS = ARTIFACTS / "evaluate" / "predictions.parquet"
CALIBRATION = ARTIFACTS / "evaluate" / "calibration.json"


def is_sample(source: str) -> bool:
    """Whether `data.source` means the embedded sample faces."""
    path = Path(source)
    return SAMPLE in (path, *path.parents)


def folder(stage: str) -> Path:
    """The folder of a stage's results: `train@cnn` writes to `artifacts/train/cnn`."""
    return ARTIFACTS.joinpath(*stage.split("@"))


def results(stage: str) -> tuple[Path, ...]:
    """Everything that a stage leaves: its folder, and the faces or parts that others read."""
    faces = {"sample": SAMPLE, "ingest": FACES, "photographs": PHOTOGRAPHS, "split": SPLIT}
    return (folder(stage), faces[stage]) if stage in faces else (folder(stage),)


def metrics(stage: str) -> Path:
    """The few numbers of a stage that `dvc metrics show` lists."""
    return folder(stage) / "metrics.json"


def figures(stage: str) -> Path:
    """The folder of a stage's pictures."""
    return folder(stage) / "figures"
