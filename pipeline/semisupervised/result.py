"""What the stage finds, as it is written to `semisupervised.json` and read by the report."""

from dataclasses import dataclass
from typing import Literal

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Interval
from pipeline.statistics.trainings import TrainingsDifference


@dataclass(frozen=True)
class SemiSupervisedResult:
    """A classifier with few labels: without other faces, and with them in two ways.

    Figures are means over the seeds, with the chance of seeds and faces together.

    Attributes:
        labelled_faces: training faces that keep their labels.
        labelled_rows: which these are: `random`, by the seed, or the `last`.
        unlabelled_faces: of the source's other file.
        seeds: with which each is trained.
        steps: of each classifier's training.
        shown: faces that each is shown in training, those of every step counted.
        code: numbers in the code of one face by the autoencoder `network`.
        noise: standard deviation, as a share of the grey range.
        mask_ratio: share of a face that is masked in training; without it and noise the
            autoencoder is a plain one.
        parameters: how many the `autoencoder` has, and its `encoder` alone.
        reconstruction_error: mean squared error on validation faces, on a scale from 0 to 1.
        majority_accuracy: of always naming the most frequent expression.
        gain: pretrained less labelled only.
        consistency_gain: consistent less labelled only.
        macro_f1: by the classifier: labelled_only, pretrained, consistent.
        labelled_only: accuracy of the classifier that saw nothing else.
        pretrained: of the one on the autoencoder's encoder.
        consistent: of the one that also learned from its own average's guesses.
    """

    labelled_faces: int
    labelled_rows: Literal["random", "last"]
    training_faces: int
    unlabelled_faces: int
    seeds: list[int]
    steps: int
    shown: int
    network: str
    code: int
    noise: float
    mask_ratio: float
    parameters: dict[str, int]
    reconstruction_error: float
    majority_accuracy: float
    gain: TrainingsDifference
    consistency_gain: TrainingsDifference
    macro_f1: dict[str, Interval]
    labelled_only: Interval
    pretrained: Interval
    consistent: Interval


def read() -> SemiSupervisedResult:
    """The results that the stage wrote."""
    path = layout.folder("semisupervised") / "semisupervised.json"
    return read_json(SemiSupervisedResult, path)
