"""What the numbers mean, in words: plain text, which the template sets."""

from pathlib import Path

from pipeline.layout import SAMPLE
from pipeline.params import Views
from pipeline.report.content import (
    Ingested,
    Parts,
    ReportContent,
)
from pipeline.report.numbers import count, counted
from pipeline.training.selection import epoch_chosen_on


def is_sample(source: str) -> bool:
    """Whether `data.source` means the embedded sample faces."""
    path = Path(source)
    return SAMPLE in (path, *path.parents)


def roles(content: ReportContent) -> str:
    """Which faces did what: fitted, selected, gave the figures."""
    networks = (content.params.train.cnn, content.params.train.dnn)
    selects = any(epoch_chosen_on(each) == "validation" for each in networks)
    validation = counted(content.parts.validation, "validation face")
    return (
        f"Training faces fit the weights; {validation} "
        + ("select the epoch" if selects else "only look on, as the last epoch is kept")
        + f"; {counted(content.parts.test, 'test face')} choose nothing and give every figure on "
        "this page that is not marked otherwise."
    )


def shown(views: Views) -> str:
    """Of what a probability is the mean: "a face and its mirror image"; nothing if of one face."""
    moved = f"moved by {counted(views.shift, 'pixel')} up, down, left and right"
    if views.flip and views.shift:
        return f"a face, the face {moved}, and the mirror images of these"
    if views.shift:
        return f"a face and the face {moved}"
    return "a face and its mirror image" if views.flip else ""


def leaks(parts: Parts) -> str:
    """Whether held-out faces also stand elsewhere."""
    if not parts.copies_across_parts:
        return "No validation or test face has an exact copy in another part."
    faces = counted(parts.copies_across_parts, "validation or test face")
    have = "has an exact copy" if parts.copies_across_parts == 1 else "have exact copies"
    return f"Beware: {faces} {have} in another part, which flatters the figures."


def quality(ingested: Ingested) -> list[str]:
    """What was found in the data, one sentence a finding."""
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
        verb = "stands" if ingested.shared == 1 else "stand"
        lines.append(
            f"{counted(ingested.shared, 'unlabelled face')} of {count(unlabelled.faces)} also "
            f"{verb}, pixel by pixel, among the labelled ones."
        )
    if ingested.dropped:
        verb = "was" if ingested.dropped == 1 else "were"
        lines.append(f"{counted(ingested.dropped, 'row')} {verb} no face and {verb} dropped.")
    return lines
