"""What the report is made of: the stages' results, typed.

Names of fields are the keys of the stages' JSON files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.confusion.confusion import ConfusedPair, Correlation, NegativeBlock, Pull
from pipeline.ingest.quality import Quality
from pipeline.params import ModelName, Params
from pipeline.statistics.intervals import Difference, Interval
from pipeline.statistics.scores import Scores


@dataclass(frozen=True)
class Ingested:
    """What the data is like; see `pipeline.ingest.ingest.IngestReport`."""

    files: dict[str, str]
    """MD5 sum of each source file, by its name."""
    labelled: Quality
    unlabelled: Quality
    shared: int
    dropped: int


@dataclass(frozen=True)
class Parts:
    """Faces in each part of the split, and held-out faces with an exact copy in another part."""

    train: int
    validation: int
    test: int
    copies_across_parts: int


@dataclass(frozen=True)
class Layer:
    """A row of a network's table; see `pipeline.networks.table.LayerRow`."""

    name: str
    kind: str
    shape: str
    parameters: int
    trainable: int


@dataclass(frozen=True)
class Trained:
    """How one training ended: the epoch that was kept, of how many, and what was trained."""

    epoch: int
    validation_loss: float
    validation_accuracy: float
    epochs: int
    passes: float
    """Passes over the training faces."""
    width: float
    """Factor of a dense network's hidden widths: 1, but where it is matched to the CNN's size."""
    layers: list[Layer]


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
    """Both models, what they have to beat, and the CNN less the DNN on the same test faces."""

    majority_accuracy: float
    cnn: Evaluated
    dnn: Evaluated
    difference: Difference


@dataclass(frozen=True)
class Confusion:
    """Test faces by true (row) and predicted (column) expression, and what follows from them."""

    counts: list[list[int]]
    most_confused: list[ConfusedPair]
    negative: NegativeBlock
    pull: dict[str, Pull]
    """By the answer that draws faces: sad, neutral."""
    recall_by_frequency: Correlation


@dataclass(frozen=True)
class Deleted:
    """Probability of the answer while pixels are deleted: in any order, and by maps.

    The differences are random less brightest first, by the kind of map.
    """

    area_random: float
    difference: dict[str, Interval]


@dataclass(frozen=True)
class Randomised:
    """Spearman's correlation of maps with those of the same network without what it learned.

    By the layer from which on to the answer nothing is left, and with its interval for all layers.
    """

    faces: int
    spearman: dict[str, float]
    all: Interval


@dataclass(frozen=True)
class Looked:
    """What one network's maps are worth; features are None where nobody knows them."""

    faces_measured: int
    deletion: Deleted
    randomisation: Randomised
    share_on_features: float | None = None
    area_of_features: float | None = None
    share_untrained: float | None = None
    lift: Interval | None = None
    """Share over area."""
    learned: Interval | None = None
    """Share less that without training."""


@dataclass(frozen=True)
class FaceExplained:
    """LIME of one face: what is None could not be computed, as the network's answer was constant.

    The overlap is that of the marked segments between two seeds, the correlation that of all.
    """

    predicted: str
    probability: float
    segments: int
    samples: int
    r2: float | None
    overlap: float | None
    correlation: float | None


@dataclass(frozen=True)
class MeanExplained:
    """Means over the faces that have the number."""

    r2: float | None
    overlap: float | None
    correlation: float | None


@dataclass(frozen=True)
class Deciding:
    """LIME of one network: how many segments are marked, and a face of each expression by name."""

    marked: int
    faces: dict[str, FaceExplained]
    mean: MeanExplained


@dataclass(frozen=True)
class Excited:
    """Mean activation of some filters on the images before and after they were changed."""

    before: list[float]
    after: list[float]


@dataclass(frozen=True)
class Strongest:
    """The filters that a face excites most, and their mean outputs on it."""

    filters: list[int]
    on_face: list[float]


@dataclass(frozen=True)
class LayerSeen:
    """One layer's filters: excited from noise and from a face, and the most active ones."""

    noise: Excited
    face: Excited
    strongest: Strongest


@dataclass(frozen=True)
class Filters:
    """What one network's filters see, by layer; or a note why there are none."""

    layers: list[str]
    of: dict[str, LayerSeen] = field(default_factory=dict)
    random: Excited | None = None
    note: str = ""


@dataclass(frozen=True)
class Imagined:
    """An image for one expression: how well it fits, and what the network names it."""

    cross_entropy_before: float
    cross_entropy_after: float
    probability: float
    named: str


@dataclass(frozen=True)
class ClassImages:
    """One network's images: how many of them it takes for what they were made for."""

    won: int
    classes: dict[str, Imagined]


@dataclass(frozen=True)
class AutoencoderSize:
    """Parameters of the autoencoder, and of its encoder alone."""

    autoencoder: int
    encoder: int


@dataclass(frozen=True)
class SemiSupervised:
    """A classifier with few labels: without other faces, and with them in two ways."""

    labelled_faces: int
    training_faces: int
    unlabelled_faces: int
    validation_faces: int
    test_faces: int
    network: str
    code: int
    """Numbers in the code of one face."""
    noise: float
    """Standard deviation, as a share of the grey range."""
    hidden: float
    """Share of a face that it does not see in training. With neither it is a plain autoencoder."""
    parameters: AutoencoderSize
    reconstruction_error: float
    majority_accuracy: float
    labelled_only: Interval
    pretrained: Interval
    consistent: Interval
    macro_f1: dict[str, Interval]
    """By the classifier: labelled_only, pretrained, consistent."""
    gain: Difference
    """Pretrained less labelled only."""
    consistency_gain: Difference
    """Consistent less labelled only."""


@dataclass(frozen=True)
class Provenance:
    """What the results were made with, apart from data and parameters."""

    code: str
    """MD5 sum over the package's Python files."""
    versions: dict[str, str]
    machine: dict[str, str]
    """On what the CNN was trained: device, precision, threads."""


@dataclass(frozen=True)
class ReportContent:
    """Everything that the page shows."""

    params: Params
    ingested: Ingested
    parts: Parts
    trained: Mapping[ModelName, Trained]
    evaluation: Evaluation
    confusion: Mapping[ModelName, Confusion]
    looked: Mapping[ModelName, Looked]
    deciding: Mapping[ModelName, Deciding]
    filters: Mapping[ModelName, Filters]
    class_images: Mapping[ModelName, ClassImages]
    semisupervised: SemiSupervised
    figures: Mapping[str, str]
    """SVG documents by `STAGE/NAME`, such as `train@cnn/history`."""
    provenance: Provenance
