"""Labels that are probably wrong, in words."""

from pipeline.labels.result import LabelsResult, SuspectLabels
from pipeline.labels.suspects import MARGIN
from pipeline.wording.numbers import count, counted, percent, percent_range


def suspects(found: LabelsResult) -> str:
    """How many labels are suspect."""
    held_out, training = found.held_out, found.training
    return (
        "A label is suspect where the CNN gives another expression a probability that is higher by "
        f"{100 * MARGIN:.0f} percentage points or more. "
        f"Among {counted(held_out.faces, 'validation and test face')}, which taught it nothing, "
        f"{count(held_out.suspects)} labels are; among the {count(training.faces)} training faces, "
        f"whose labels it has learned, {count(training.suspects)}."
    )


def worth(found: LabelsResult) -> str:
    """How far the list can be relied on: measured where the truth is known."""
    if not (found.held_out.recall or found.training.recall):
        return (
            "How many of them are wrong is not known here: people have to look. On drawn faces, "
            "whose wrong labels are known, the page says how many."
        )
    parts = (("held-out", found.held_out), ("training", found.training))
    shares = [_worth(name, part) for name, part in parts]
    return " ".join(
        [
            "Which labels of the sample are wrong is known.",
            *(share for share in shares if share),
            "Suspects with a right label are faces that the network gets wrong.",
        ]
    )


def _worth(name: str, part: SuspectLabels) -> str:
    if not part.recall:
        return ""
    found = (
        f"Of {name} faces the list has {percent(part.recall.value)} of the wrong labels (95% "
        f"interval {percent_range(part.recall)})"
    )
    if not part.precision:
        return f"{found}."
    return (
        f"{found}, and {percent(part.precision.value)} of the list "
        f"({percent_range(part.precision)}) are wrong."
    )
