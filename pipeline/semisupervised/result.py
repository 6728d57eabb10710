"""What the stage `semisupervised` finds, as `semisupervised.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.statistics.intervals import Difference, Interval


@dataclass(frozen=True)
class AutoencoderSize:
    """Parameters of the autoencoder, and of its encoder alone."""

    autoencoder: int
    encoder: int


@dataclass(frozen=True)
class SemiSupervised:
    """A classifier with few labels: without other faces, and with them in two ways.

    Attributes:
        labelled_faces: whose labels were read.
        training_faces: with them.
        unlabelled_faces: of the source, that the autoencoder saw as well.
        validation_faces: with their labels.
        test_faces: that give the figures.
        network: the autoencoder's.
        code: numbers in the code of one face.
        noise: standard deviation in training, as a share of the grey range.
        hidden: share of a face that is covered in training. With neither it is a plain autoencoder.
        parameters: of the autoencoder.
        reconstruction_error: mean squared error on validation faces, on a scale from 0 to 1.
        majority_accuracy: of always naming the expression that is most frequent among the labels.
        gain: pretrained less labelled only.
        consistency_gain: consistent less labelled only.
        macro_f1: of each of the three classifiers below.
        labelled_only: accuracy from random weights, on the labelled faces.
        pretrained: from the autoencoder's encoder.
        consistent: from random weights on all faces.
    """

    labelled_faces: int
    training_faces: int
    unlabelled_faces: int
    validation_faces: int
    test_faces: int
    network: str
    code: int
    noise: float
    hidden: float
    parameters: AutoencoderSize
    reconstruction_error: float
    majority_accuracy: float
    gain: Difference
    consistency_gain: Difference
    macro_f1: dict[str, Interval]
    labelled_only: Interval
    pretrained: Interval
    consistent: Interval


def read() -> SemiSupervised:
    """The results that the stage wrote.

    Raises:
        UserError: they are missing or broken.
    """
    return read_json(SemiSupervised, layout.folder("semisupervised") / "semisupervised.json")
