"""What the stage `confusion` finds of each network, as `confusion.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.confusion.confusion import ConfusedPair, Correlation, NegativeBlock, Pull
from pipeline.files import read_json
from pipeline.params import ModelName


@dataclass(frozen=True)
class Confusion:
    """One network's confusions on the test faces.

    Attributes:
        rows: what the rows of `counts` and `shares` are: the true expressions.
        columns: likewise: the predicted ones.
        classes: the expressions in order.
        counts: test faces, (7, 7).
        shares: of each true expression, (7, 7).
        most_confused: the largest wrong cells.
        negative: what becomes of faces with a negative expression.
        pull: by the answer that draws faces: sad, neutral.
        training_shares: how frequent each expression is among the training faces, (7,).
        recall_by_frequency: the recalls of the expressions against those shares.
    """

    rows: str
    columns: str
    classes: list[str]
    counts: list[list[int]]
    shares: list[list[float]]
    most_confused: list[ConfusedPair]
    negative: NegativeBlock
    pull: dict[str, Pull]
    training_shares: list[float]
    recall_by_frequency: Correlation


def read() -> dict[ModelName, Confusion]:
    """The results that the stage wrote.

    Raises:
        UserError: they are missing or broken.
    """
    return read_json(dict[ModelName, Confusion], layout.folder("confusion") / "confusion.json")
