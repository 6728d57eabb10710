"""Labels that are probably wrong, in words."""

from pipeline.labels.result import LabelsResult, SuspectLabels
from pipeline.labels.suspects import MARGIN as MARGIN
from pipeline.wording.numbers import percent, percent_interval, percent_range


def worth(found: LabelsResult) -> str:
    """How far the list can be relied on: measured where the truth is known."""
    if not (found.held_out.recall or found.training.recall):
        return "How many of them are wrong is not known here: people have to look."
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
    found = f"Of the wrong labels of {name} faces the list has {percent_interval(part.recall)}"
    if not part.precision:
        return f"{found}."
    wrong = f"{percent(part.precision.value)} of the list ({percent_range(part.precision)})"
    return f"{found}, and {wrong} are wrong."
