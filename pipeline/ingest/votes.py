"""FER+: what ten people called each face of fer2013.csv, row for row (Barsoum et al., 2016).

As in the authors' own majority mode, a single vote counts as a slip, and what is left must give
more than half to one class. Faces of no such class, and those called contempt, unknown or no face
(NF), are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import UserError
from pipeline.ingest.parts import part_of

COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "nf",
)  # fmt: skip

UNDECIDED = "no majority"
"""The class of a face on which they do not agree."""


def is_votes(columns: list[str]) -> bool:
    """Whether a file with these columns is FER+'s."""
    return set(COLUMNS) <= set(columns)


@dataclass(frozen=True)
class Votes:
    """The votes on a file's rows."""

    name: str
    classes: Sequence[str]
    """What most called each row's face: of `COLUMNS`, or `UNDECIDED`."""
    usage: Sequence[str | None]
    """FER2013's part of each row, by which it shows that both files have the same order."""

    def of_row(self, name: str, row: int) -> str:
        """The class of a row, from 1, of the file of this name.

        Raises:
            UserError: there are no votes on it.
        """
        if row > len(self.classes):
            raise self._miscounted(name, "more")
        return self.classes[row - 1]

    def check_parts(self, name: str, rows: Iterable[int], parts: Iterable[str | None]) -> None:
        """See that rows have the same parts here and there.

        Raises:
            UserError: one is another.
        """
        for row, part in zip(rows, parts, strict=True):
            if part != self.usage[row - 1]:
                raise UserError(
                    f"{self.name}: row {row} is of another part than row {row} of {name}, so the "
                    "votes are of other rows; take fer2013.csv as it was handed out, or set "
                    "data.labels: fer2013"
                )

    def check_count(self, name: str, rows: int) -> None:
        """See that there are no more votes than rows.

        Raises:
            UserError: there are; faces of a class that is left out at the end may be missing.
        """
        left_out = {"contempt", "unknown", "nf", UNDECIDED}
        if {*self.classes[rows:]} - left_out:
            raise self._miscounted(name, str(rows))

    def _miscounted(self, name: str, rows: str) -> UserError:
        return UserError(
            f"{self.name}: votes on {len(self.classes)} rows, and {name} has {rows}; take both "
            "files as they were handed out, or set data.labels: fer2013"
        )


def read_votes(name: str, columns: list[str], rows: list[list[str]]) -> Votes:
    """Read the lines of FER+'s file.

    Raises:
        UserError: a row holds something else than votes.
    """
    places = [columns.index(column) for column in COLUMNS]
    usage = columns.index("usage") if "usage" in columns else None
    classes, parts = [], []
    for number, row in enumerate(rows, 1):
        try:
            classes.append(majority([int(row[place]) for place in places]))
            parts.append(None if usage is None else part_of(row[usage]))
        except (ValueError, IndexError):
            raise UserError(
                f"{name}: row {number}: expected a number of votes for each of "
                f"{', '.join(COLUMNS)}; fetch the file again, or set data.labels: fer2013"
            ) from None
    return Votes(name, classes, parts)


def majority(votes: list[int]) -> str:
    """The class of most votes, of `COLUMNS`.

    >>> majority([6, 3, 1, 0, 0, 0, 0, 0, 0, 0])
    'neutral'
    """
    counted = [vote if vote > 1 else 0 for vote in votes]
    most = max(counted)
    return COLUMNS[counted.index(most)] if 2 * most > sum(counted) else UNDECIDED
