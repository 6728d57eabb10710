"""From a source to the two stores, with the report on what was found on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline import layout
from pipeline.errors import UserError
from pipeline.faces.batch import Batch, Fault, Progress
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.regions import keep_regions
from pipeline.faces.store import Faces, read_faces, writing_faces
from pipeline.ingest import advice
from pipeline.ingest.containers import Passed
from pipeline.ingest.folder import md5_of
from pipeline.ingest.labels import LEFT_OUT, Labels
from pipeline.ingest.quality import are_constant, assess, count_parts, count_shared
from pipeline.ingest.result import Ingested, PassedOver, ReadAs
from pipeline.ingest.sources import Source
from pipeline.ingest.unknown_classes import check_nothing_vanished

_SHOWN = 3
"""Names that stand for all the others."""


def ingest(
    source: Source,
    on_bad_row: Literal["stop", "drop"],
    folder: Path,
    progress: Progress | None = None,
) -> tuple[Ingested, list[Fault]]:
    """Read all faces of a source and keep them.

    Args:
        source: what to read.
        on_bad_row: `stop` at the first row that is no face, or `drop` such rows and list them.
        folder: to write to, by the names that `layout.FACES` has: the store of unlabelled faces is
            empty and the archive of regions without arrays where the source has none.
        progress: told of the bytes or pictures read; `Source.size` is their sum.

    Returns:
        What the data is like, and the rows that are no faces with their content, those of the
        labelled file first.

    Raises:
        UserError: the source is unusable, or a row is no face and `on_bad_row` is `stop`, or
            dropping such rows takes a whole class away. Neither store is touched then.
    """
    dropped: list[Fault] = []
    read: Counter[str] = Counter()
    kept: list[int] = []
    rows = 0
    labelled, unlabelled, regions = (
        folder / path.name for path in (layout.LABELLED, layout.UNLABELLED, layout.REGIONS)
    )
    with (
        ThreadPoolExecutor(1) as pool,
        writing_faces(labelled) as faces,
        writing_faces(unlabelled) as others,
    ):
        sums = pool.map(md5_of, source.files)
        for readings, store in ((source.labelled, faces), (source.unlabelled, others)):
            for reading in readings:
                found = reading.batches(source.labels, progress, keep_text=on_bad_row == "drop")
                with closing(found) as batches:  # whose threads must not outlive the interpreter
                    for batch in batches:
                        store.append(batch)
                        read[reading.name] += len(batch)
                        if store is faces:
                            kept += batch.rows.tolist()
                            rows += len(batch) + len(batch.faults) + batch.left_out
                        if batch.faults and on_bad_row == "stop":
                            raise _refusal(batch.faults[0], batches, source.labels)
                        dropped.extend(batch.faults)
        if not kept:
            first = ": all are left out by data.labels; name an expression there"
            if dropped:
                first = f"; {dropped[0]}; {advice.for_row(dropped[0], source.labels, all_are=True)}"
            of = max(rows, source.labels.seen.total())  # pictures that are left out are not read
            raise UserError(f"{source.labelled[0].name}: none of {of} rows is a face{first}")
        if dropped:
            check_nothing_vanished(source.labels)
        names = keep_regions(source.regions, np.array(kept), rows, regions)
        files = {path.name: md5 for path, md5 in zip(source.files, sums, strict=True)}
        if source.folder:
            files = {source.folder.path.name: source.folder.md5()}
    own, without_label = read_faces(labelled), read_faces(unlabelled)
    report = Ingested(
        files=files,
        labelled=assess(own),
        unlabelled=assess(without_label),
        shared=count_shared(without_label, own),
        regions=names,
        dropped=len(dropped),
        read=dict(read),
        read_as=_read_as(source.labels),
        assumed=source.labels.assumed,
        parts=count_parts(own),
        constant=_name_constant(own, read),
        passed=_gather(source.passed),
        notes=source.notes,
    )
    return report, dropped


def _refusal(fault: Fault, rest: Iterator[Batch], labels: Labels) -> UserError:
    """The error for a row that is no face, after a look at what classes the other rows have."""
    if advice.about(fault) == "label":
        with suppress(UserError):
            for _ in rest:
                pass
    return UserError(f"{fault}; {advice.for_row(fault, labels)}")


def _read_as(labels: Labels) -> list[ReadAs]:
    """Each class as it is written, what it was understood as, and how many faces it has."""
    known = ((said, labels.label(said), count) for said, count in sorted(labels.kept.items()))
    return [
        ReadAs(said, "" if label == LEFT_OUT else EXPRESSIONS[label], count)
        for said, label, count in known
        if label is not None
    ]


def _name_constant(faces: Faces, read: Mapping[str, int]) -> list[str]:
    """The first faces of one grey value, each by its source and its place there.

    Args:
        faces: the labelled ones.
        read: faces of each source in the order of reading, the labelled ones first.
    """
    first = faces.table[are_constant(faces)].head(_SHOWN)
    sources = np.searchsorted(np.cumsum(list(read.values())), first.index, "right")
    names = first["name"].fillna("row " + first["row"].astype(str))
    return [f"{[*read][k]}: {name}" for k, name in zip(sources, names, strict=True)]


def _gather(passed: Iterable[Passed]) -> list[PassedOver]:
    """What is passed over by its reason: how many, and the first few."""
    by_reason: dict[str, list[str]] = {}
    for each in passed:
        by_reason.setdefault(each.reason, []).append(each.name)
    return [
        PassedOver(reason, len(names), sorted(names)[:_SHOWN])
        for reason, names in by_reason.items()
    ]
