"""What the stage `evaluate` finds, as `scores.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Interval
from pipeline.statistics.scores import Scores
from pipeline.statistics.trainings import Difference


@dataclass(frozen=True)
class PartScores(Scores):
    """One model's scores on one part, two of them with their intervals."""

    accuracy_interval: Interval
    macro_f1_interval: Interval


@dataclass(frozen=True)
class CalibrationError(Interval):
    """Expected calibration error, and what chance alone makes of it.

    Attributes:
        by_chance: the mean of a classifier that is calibrated perfectly, with the same confidences
            on as many faces.
    """

    by_chance: float


@dataclass(frozen=True)
class Reliability:
    """Faces of about the same confidence: its mean, and how many of their answers are right."""

    confidence: float
    accuracy: Interval
    faces: int


@dataclass(frozen=True)
class Calibration:
    """What a temperature does to the calibration error of the test faces.

    It divides the logarithms of the probabilities, and is fitted on so many validation faces, none
    of which trained.
    """

    temperature: float
    fitted_on: int
    before: CalibrationError
    after: CalibrationError


@dataclass(frozen=True)
class Answers:
    """What comes of saying "not sure" below the threshold of params.yaml, on the test faces.

    The share that gets an answer, and of right ones among these; the share of all faces, and of
    those without an answer, whose label is among the two likeliest expressions. None is of no face.
    """

    answered: Interval
    right: Interval | None
    top2: Interval
    top2_not_sure: Interval | None


@dataclass(frozen=True)
class Evaluated:
    """One model's scores on faces that it was not trained on, of probabilities as it gives them.

    With what makes these mean what they say, and what answers are worth then.
    """

    network: str
    parameters: int
    validation: PartScores
    test: PartScores
    calibration: Calibration
    answers: Answers


@dataclass(frozen=True)
class Third:
    """Test faces within a third of a measure, and how accurately they are named.

    It is none where there are no faces, and `expected` if only their expressions count: the mean of
    the recalls that these have among all test faces.
    """

    faces: int
    accuracy: Interval | None = None
    expected: float | None = None


@dataclass(frozen=True)
class Quality:
    """Accuracy in the thirds of one measure of the photograph, whose edges training faces give.

    By model: the lowest third, the middle and the highest; that in the last less that in the first.
    """

    edges: tuple[float, float]
    thirds: dict[str, list[Third]]
    difference: dict[str, Interval | None]


@dataclass(frozen=True)
class Evaluation:
    """Both models, what they have to exceed, and the CNN less the DNN on the same test faces.

    Attributes:
        epoch_chosen_on: by model, the faces that chose the epoch: `validation` or `none`.
        reported_on: the part that gives the figures.
        faces: how many there are in each part.
        majority_accuracy: of always naming the expression that is most frequent in training.
        quality: by measure of the photograph: brightness, contrast, sharpness.
    """

    epoch_chosen_on: dict[str, str]
    reported_on: str
    faces: dict[str, int]
    majority_accuracy: float
    cnn: Evaluated
    dnn: Evaluated
    difference: Difference
    quality: dict[str, Quality]


def read() -> Evaluation:
    """The results that the stage wrote."""
    return read_json(Evaluation, layout.folder("evaluate") / "scores.json")
