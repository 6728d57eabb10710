"""What the stage `evaluate` finds, as `scores.json` holds it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Difference, Interval
from pipeline.statistics.scores import Scores


@dataclass(frozen=True)
class PartScores(Scores):
    """One model's scores on one part, two of them with their intervals."""

    accuracy_interval: Interval
    macro_f1_interval: Interval


@dataclass(frozen=True)
class Evaluated:
    """One model's scores on the faces that it was not trained on."""

    network: str
    parameters: int
    validation: PartScores
    test: PartScores


@dataclass(frozen=True)
class Evaluation:
    """Both models, what they have to exceed, and the CNN less the DNN on the same test faces.

    Attributes:
        selected_on: by model, the faces that chose the epoch: `validation` or `none`.
        reported_on: the part that gives the figures.
        faces: how many there are in each part.
        majority_accuracy: of always naming the expression that is most frequent in training.
        cnn: one model.
        dnn: the other.
        difference: of the two.
    """

    selected_on: dict[str, str]
    reported_on: str
    faces: dict[str, int]
    majority_accuracy: float
    cnn: Evaluated
    dnn: Evaluated
    difference: Difference


read: Callable[[], Evaluation] = partial(
    read_json, Evaluation, layout.folder("evaluate") / "scores.json"
)
