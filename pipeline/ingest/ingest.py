"""From a source to the two stores, with the report on what was found on the way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

from pipeline.errors import UserError
from pipeline.faces.batch import Batch, Fault, Progress
from pipeline.faces.regions import keep_regions
from pipeline.faces.store import FaceWriter
from pipeline.ingest import advice
from pipeline.ingest.folder import md5_of
from pipeline.ingest.labels import Labels
from pipeline.ingest.quality import assess, count_shared
from pipeline.ingest.result import Ingested
from pipeline.ingest.sources import Source
from pipeline.ingest.tally import Tally, gather, read_as
from pipeline.ingest.unknown_classes import check_nothing_vanished


def ingest(
    source: Source,
    on_bad_row: Literal["stop", "drop"],
    labelled: Path,
    unlabelled: Path,
    regions: Path,
    progress: Progress | None = None,
) -> tuple[Ingested, list[Fault]]:
    """Read all faces of a source and keep them.

    Args:
        source: what to read.
        on_bad_row: `stop` at the first row that is no face, or `drop` such rows and list them.
        labelled: folder of the store to write.
        unlabelled: likewise; the store is empty where the source has no such faces.
        regions: the archive to write; without arrays where the source has none.
        progress: told of the bytes or pictures read; `Source.size` is their sum.

    Returns:
        What the data is like, and the rows that are no faces with their content, those of the
        labelled file first.

    Raises:
        UserError: the source is unusable, or a row is no face and `on_bad_row` is `stop`, or
            dropping such rows takes a whole class away. Neither store is touched then.
    """
    dropped: list[Fault] = []
    tally = Tally()
    rows = 0
    if source.folder:
        source.folder.keeps_sums = True
    with (
        ThreadPoolExecutor(1) as pool,
        FaceWriter(labelled) as faces,
        FaceWriter(unlabelled) as others,
    ):
        sums = pool.map(md5_of, source.files)
        for readings, store in ((source.labelled, faces), (source.unlabelled, others)):
            for reading in readings:
                keep_text = on_bad_row == "drop"
                # Closed, whatever comes: the reader's threads must not outlive the interpreter.
                with closing(
                    reading.batches(source.labels, progress, keep_text=keep_text)
                ) as batches:
                    for batch in batches:
                        store.append(batch)
                        tally.add(reading.name, batch)
                        if store is faces:
                            rows += len(batch) + len(batch.faults) + batch.left_out
                        if batch.faults and on_bad_row == "stop":
                            raise _refusal(batch.faults[0], batches, source.labels)
                        dropped.extend(batch.faults)
        outline, other_outline = faces.outline(), others.outline()
        if not len(outline):
            first = ": all are left out by data.labels; name an expression there"
            if dropped:
                first = f"; {dropped[0]}; {advice.for_row(dropped[0], source.labels, all_are=True)}"
            raise UserError(f"{source.labelled[0].name}: none of {rows} rows is a face{first}")
        if dropped:
            check_nothing_vanished(source.labels)
        names = keep_regions(source.regions, outline.rows, rows, regions)
        files = {path.name: md5 for path, md5 in zip(source.files, sums, strict=True)}
        if source.folder:
            files = {source.folder.path.name: source.folder.md5()}
    found = Ingested(
        files=files,
        labelled=assess(outline),
        unlabelled=assess(other_outline),
        shared=count_shared(other_outline, outline),
        regions=names,
        dropped=len(dropped),
        read=tally.read,
        read_as=read_as(source.labels),
        assumed=source.labels.assumed,
        parts=tally.parts(),
        constant=tally.constant,
        passed=gather(source.passed),
        notes=source.notes,
    )
    return found, dropped


def _refusal(fault: Fault, rest: Iterator[Batch], labels: Labels) -> UserError:
    """The error for a row that is no face, after a look at what classes the other rows have."""
    if advice.about(fault) == "label":
        with suppress(UserError):
            for _ in rest:
                pass
    return UserError(f"{fault}; {advice.for_row(fault, labels)}")
