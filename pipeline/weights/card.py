"""What is known of the network in `weights/`: how it was made, measured, and how good it is.

All of it is in `card.json`, from which the model card for people, `README.md`, is rendered.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline import layout
from pipeline.evaluate.result import Evaluated, Quality
from pipeline.files import read_json
from pipeline.ingest.quality import Quality as Faces
from pipeline.params import TTA
from pipeline.photographs.result import Agreement, Copies
from pipeline.split.result import Parts
from pipeline.statistics.champion import Measured
from pipeline.statistics.intervals import Interval
from pipeline.wording.templates import read_templates

CARD = layout.WEIGHTS / "card.json"
FOR_PEOPLE = layout.WEIGHTS / "README.md"


@dataclass(frozen=True)
class Rounding:
    """What it costs on test faces that weights are kept in bfloat16.

    Attributes:
        changed: share of the faces that are answered otherwise than by the weights as trained.
        kept_only: faces that only the weights as they are kept get right.
        trained_only: faces that only the trained ones get right.
        p: McNemar's, of a split at least as uneven by chance.
        log_loss: of the weights as they are kept less that of the trained ones, in nats.
    """

    changed: Interval
    kept_only: int
    trained_only: int
    p: float
    log_loss: float


@dataclass(frozen=True)
class Card:
    """A network that is at hand.

    Attributes:
        command: what trained it.
        revision: of this project, at which the command ran.
        origin: whose the faces are, and how they came by their labels.
        remark: what else is to be known of the protocol; may be empty.
        source: MD5 sum of each file of faces, by its name.
        faces: the labelled faces in these files.
        copies: near-copies among them.
        agreement: how far labels of one photograph agree.
        parts: how many faces trained, chose and gave the figures.
        measured_on: which faces these are.
        tta: the views of a face of which the mean answer counts, in the figures and in use.
        md5: of the weights that the figures are of.
    """

    command: str
    revision: str
    origin: str
    remark: str
    source: dict[str, str]
    faces: Faces
    copies: Copies
    agreement: dict[str, Agreement]
    parts: Parts
    measured_on: str
    tta: TTA
    md5: str
    evaluated: Evaluated
    quality: dict[str, Quality]
    rounding: Rounding

    @property
    def measured(self) -> Measured:
        """On validation faces, which are there to choose by."""
        found = self.evaluated.validation.accuracy_interval
        return Measured(found.value, found.low, found.high, self.measured_on, str(layout.WEIGHTS))


read = partial(read_json, Card, CARD)


def render(card: Card) -> str:
    """The model card in Markdown."""
    templates = read_templates(Path(__file__).parent, html=False)
    return templates.get_template("card.md").render(card=card)
