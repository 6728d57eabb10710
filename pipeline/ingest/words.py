"""What was found in the data, in words and in a table."""

from pathlib import Path

from pipeline.ingest.result import Ingested
from pipeline.layout import SAMPLE
from pipeline.wording.numbers import count, counted


def is_sample(source: str) -> bool:
    """Whether `data.source` means the embedded sample faces."""
    path = Path(source)
    return SAMPLE in (path, *path.parents)


def quality(ingested: Ingested) -> list[str]:
    """What was found, one sentence a finding."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    lines = []
    if labelled.copies:
        verb = "is an exact copy" if labelled.copies == 1 else "are exact copies"
        lines.append(
            f"{counted(labelled.copies, 'labelled face')} {verb} of another; "
            f"{counted(labelled.disagreeing, 'set')} of copies "
            f"{'carries' if labelled.disagreeing == 1 else 'carry'} more than one label."
        )
    else:
        lines.append("No labelled face is an exact copy of another.")
    if labelled.constant:
        lines.append(
            f"{counted(labelled.constant, 'labelled face')} "
            f"{'is' if labelled.constant == 1 else 'are'} blank: one grey value all over."
        )
    if not unlabelled.faces:
        lines.append("The source has no unlabelled faces.")
    elif ingested.shared:
        verb = "is" if ingested.shared == 1 else "are"
        lines.append(
            f"{counted(ingested.shared, 'unlabelled face')} of {count(unlabelled.faces)} "
            f"{verb} also, pixel by pixel, among the labelled ones."
        )
    if ingested.dropped:
        verb = "was" if ingested.dropped == 1 else "were"
        lines.append(f"{counted(ingested.dropped, 'row')} {verb} no face and {verb} dropped.")
    return lines


def counts(ingested: Ingested) -> list[tuple[str, str]]:
    """Counts of faces."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    return [
        ("Labelled faces", count(labelled.faces)),
        ("Unlabelled faces", count(unlabelled.faces)),
        ("Exact copies among the labelled", count(labelled.copies)),
        ("Sets of copies with more than one label", count(labelled.disagreeing)),
        ("Blank labelled faces", count(labelled.constant)),
        ("Exact copies among the unlabelled", count(unlabelled.copies)),
        ("Blank unlabelled faces", count(unlabelled.constant)),
        ("Unlabelled faces that are also labelled", count(ingested.shared)),
        ("Rows dropped", count(ingested.dropped)),
    ]
