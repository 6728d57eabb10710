"""What to do about a row that is no face, and about a header without the columns needed."""

import re
from collections.abc import Sequence

from pipeline.faces.batch import Fault
from pipeline.faces.expressions import PIXELS
from pipeline.ingest.label_list import is_list
from pipeline.ingest.labels import Labels
from pipeline.ingest.pictures import NO_IMAGE
from pipeline.ingest.unknown_classes import setting_for

_DROP = ", or set data.on_bad_row: drop"


def about(fault: Fault) -> str:
    """The column that a fault is in, or `picture`; empty where it is in the whole row."""
    if NO_IMAGE in fault.reason:
        return "picture"
    return fault.reason.partition(": ")[0] if ": " in fault.reason else ""


def for_row(fault: Fault, labels: Labels, *, all_are: bool = False) -> str:
    """How a source with this fault, the first of its file, can be read.

    Args:
        fault: a row that is no face.
        labels: what read the classes, and has seen all of them.
        all_are: whether every row has a fault, so that dropping them leaves nothing.
    """
    drop = "" if all_are else _DROP
    column = about(fault)
    if column == "label":
        first = next(text for text in labels.seen if labels.label(text) is None)
        return setting_for(labels, first, labels.seen)
    if column == "feature":
        rare = "" if fault.row == 1 else drop  # where the first row is written so, all are
        if re.search(r"value \d+: '([\[(]|\d+[,;])", fault.reason):
            return f"write only whole numbers with blanks between them{rare}"
        if re.search(r"value \d+: '[01]?\.\d", fault.reason):
            return f"multiply pixels of 0 to 1 by 255 and round them{rare}"
    if column == "Usage":
        return f"call the part by one of these names{drop}"
    if column == "picture":
        is_closed = "permission denied" in fault.reason
        return f"{'chmod u+r it' if is_closed else 'save it anew as PNG'}, or remove it{drop}"
    return f"mend or remove the row{drop}"


def for_header(columns: Sequence[str]) -> str:
    """How a CSV file that lacks the columns needed can be read."""
    if is_list([column.lower() for column in columns]):
        return "it lists pictures: name the folder of both in data.source"
    if re.search(r"[;\t|]", "".join(columns)):
        return "save it anew with commas between the columns"
    if len(columns) >= PIXELS:
        return f"write the {PIXELS:,} values of a face into one column, with blanks between them"
    return "name them so in its first line"
