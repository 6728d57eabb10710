"""Labels that are probably wrong, in words."""

from pipeline.labels.result import LabelsResult, SuspectLabels
from pipeline.labels.suspects import MARGIN as MARGIN
from pipeline.wording.numbers import percent, percent_interval, percent_range


def worth(found: LabelsResult) -> str:
    """How far the list can be relied on: measured where the truth is known."""
    parts = (("held-out", found.held_out), ("training", found.training))
    shares = [_worth(name, part) for name, part in parts]
    if not any(shares):
        if not (found.held_out.suspects or found.training.suspects):
            return ""
        return "How many of them are wrong is not known here: people have to look."
    return " ".join(
        [
            "Which labels of the sample are wrong is known.",
            *(share for share in shares if share),
            "Suspects with a right label are faces that the network gets wrong.",
        ]
    )


def _worth(name: str, part: SuspectLabels) -> str:
    if not part.recall:  # there is none where nothing is wrong, as where that is not known
        right = f"No label of {name} faces is wrong, so every suspect there has a right one."
        return right if part.precision else ""
    found = f"Of the wrong labels of {name} faces the list has {percent_interval(part.recall)}"
    if not part.precision:
        return f"{found}."
    wrong = f"{percent(part.precision.value)} of the list ({percent_range(part.precision)})"
    return f"{found}, and {wrong} are wrong."
