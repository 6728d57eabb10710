"""What the stage `confusion` finds of each network, as `confusion.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName
from pipeline.statistics.intervals import Interval


@dataclass(frozen=True)
class ConfusedPair:
    """How many faces of one expression are taken for another.

    Their share of all faces of the true expression has its exact binomial interval.
    """

    true: str
    predicted: str
    faces: int
    share: Interval


@dataclass(frozen=True)
class NegativeBlock:
    """The answers for faces with a negative expression.

    Attributes:
        counts: by true negative expression (row); columns are the negative ones in the same order,
            then all others together, (4, 5).
        right: share of these faces that are named rightly.
        within: share that is taken for another negative expression.
        beyond: share that is taken for one that is not negative.
    """

    counts: list[list[int]]
    right: Interval
    within: Interval
    beyond: Interval


@dataclass(frozen=True)
class Pull:
    """How much one answer draws the faces of the other expressions.

    Attributes:
        of_others: share of the faces of all other expressions that are taken for it.
        of_errors: share of all errors that are this answer.
        expected: what `of_errors` would be if each error fell on a wrong answer in proportion to
            how many test faces that expression has: on a fearful face, on sad as often as sad faces
            occur among those that are not fearful.
        excess: `of_errors` less `expected`. Both move when photographs are drawn anew, so that only
            this interval says whether they differ.
    """

    of_others: Interval
    of_errors: Interval
    expected: float
    excess: Interval


@dataclass(frozen=True)
class Correlation:
    """The correlation of two rows of numbers, by value (Pearson) and by rank (Spearman).

    Each with the two-sided probability of one at least as far from 0 by chance, over all orders of
    a row. All are None where one of the rows is constant, or they are shorter than 3.
    """

    pearson: float | None
    pearson_p: float | None
    spearman: float | None
    spearman_p: float | None


@dataclass(frozen=True)
class ConfusionResult:
    """One network's confusions on the test faces.

    Attributes:
        rows: what the rows of `counts` and `shares` (7, 7) are: the true expressions.
        columns: likewise: the predicted ones.
        most_confused: the wrong cells whose shares are large at least, the largest first.
        negative: the answers for faces with a negative expression.
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


def read() -> dict[ModelName, ConfusionResult]:
    """The results that the stage wrote."""
    return read_json(
        dict[ModelName, ConfusionResult], layout.folder("confusion") / "confusion.json"
    )
