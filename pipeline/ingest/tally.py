"""Counts what is read while it is read: from where, as what, in which part."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from pipeline.faces.batch import USAGES, Batch
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.ingest.containers import Passed
from pipeline.ingest.labels import LEFT_OUT, Labels
from pipeline.ingest.result import PassedOver, ReadAs

_SHOWN = 3
"""Names that stand for all the others."""


class Tally:
    """Counts over batches, one after another."""

    def __init__(self) -> None:
        self.read: dict[str, int] = {}
        """Faces of each file, folder or archive."""
        self.constant: list[str] = []
        """The first labelled faces of one grey value."""
        self._parts: Counter[tuple[str, int]] = Counter()

    def add(self, name: str, batch: Batch) -> None:
        """Count a batch of what has this name."""
        self.read[name] = self.read.get(name, 0) + len(batch)
        if not len(batch) or (batch.labels < 0).all():
            return
        pairs = zip(batch.usage, batch.labels.tolist(), strict=True)
        self._parts.update((usage or "", label) for usage, label in pairs)
        if len(self.constant) < _SHOWN:
            flat = batch.pixels.reshape(len(batch), -1)
            for place in np.flatnonzero((flat == flat[:, :1]).all(axis=1)).tolist():
                named = batch.names[place] or f"row {batch.rows[place]}"
                self.constant.append(f"{name}: {named}")
            del self.constant[_SHOWN:]

    def parts(self) -> dict[str, dict[str, int]]:
        """Labelled faces by FER2013's part and expression; nothing where no face has a part."""
        usages = sorted({usage for usage, _ in self._parts}, key=[*USAGES, ""].index)
        if usages in ([], [""]):
            return {}
        return {
            usage or "no part": {
                name: self._parts[usage, label] for label, name in enumerate(EXPRESSIONS)
            }
            for usage in usages
        }


def read_as(labels: Labels) -> list[ReadAs]:
    """Each class as it is written, what it was understood as, and how many faces it has."""
    found = []
    for said, count in sorted(labels.kept.items()):
        label = labels.label(said)
        if label is not None:
            name = "" if label == LEFT_OUT else EXPRESSIONS[label]
            found.append(ReadAs(said, name, count))
    return found


def gather(passed: Iterable[Passed]) -> list[PassedOver]:
    """What is passed over by its reason: how many, and the first few."""
    by_reason: dict[str, list[str]] = {}
    for each in passed:
        by_reason.setdefault(each.reason, []).append(each.name)
    return [
        PassedOver(reason, len(names), sorted(names)[:_SHOWN])
        for reason, names in by_reason.items()
    ]
