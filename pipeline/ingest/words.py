"""What was found in the data, in words and in a table."""

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.ingest.result import Ingested
from pipeline.wording.numbers import NOTHING, count, counted


def quality(ingested: Ingested) -> list[str]:
    """What was found, one sentence a finding."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    lines = ["No labelled face is an exact copy of another."]
    if labelled.copies:
        copies = counted(
            labelled.copies, "labelled face is an exact copy", "labelled faces are exact copies"
        )
        sets = counted(labelled.disagreeing, "set of copies carries", "sets of copies carry")
        lines = [f"{copies} of another; {sets} more than one label."]
    if labelled.constant:
        lines.append(f"{_blank(ingested)}: one grey value all over.")
    if not unlabelled.faces:
        lines.append("The source has no unlabelled faces.")
    elif ingested.shared:
        verb = "is" if ingested.shared == 1 else "are"
        lines.append(
            f"{counted(ingested.shared, 'unlabelled face')} of {count(unlabelled.faces)} "
            f"{verb} also, pixel by pixel, among the labelled ones."
        )
    if ingested.dropped:
        rows = counted(ingested.dropped, "row was no face and was", "rows were no face and were")
        lines.append(f"{rows} dropped.")
    return lines


def _blank(ingested: Ingested) -> str:
    faces = ingested.labelled.constant
    return counted(faces, "labelled face is blank", "labelled faces are blank")


def counts(ingested: Ingested) -> list[tuple[str, str]]:
    """Counts of faces."""
    labelled, unlabelled = ingested.labelled, ingested.unlabelled
    found = {
        "Labelled faces": labelled.faces,
        "Unlabelled faces": unlabelled.faces,
        "Exact copies among the labelled": labelled.copies,
        "Sets of copies with more than one label": labelled.disagreeing,
        "Blank labelled faces": labelled.constant,
        "Exact copies among the unlabelled": unlabelled.copies,
        "Blank unlabelled faces": unlabelled.constant,
        "Unlabelled faces that are also labelled": ingested.shared,
        "Rows dropped": ingested.dropped,
    }
    return [(name, count(number)) for name, number in found.items()]


def sentence(text: str) -> str:
    """A line of the terminal as a sentence of the page."""
    return f"{text[:1].upper()}{text[1:]}."


def warnings(ingested: Ingested) -> list[str]:
    """What whoever brought the faces should look at before a training."""
    lines = []
    empty = [name for name, number in ingested.labelled.classes.items() if not number]
    if empty:
        *most, last = empty
        lines.append(
            f"{', '.join(most)}{' and ' if most else ''}{last} {'have' if most else 'has'} no "
            f"face: {'they' if most else 'it'} cannot be learned, and macro-F1 is over the "
            "expressions of the test faces"
        )
    if ingested.assumed:
        from_one = ingested.assumed[0] == "1"
        raf_db = "; without 0 they are more likely RAF-DB's (data.labels: raf-db)"
        lines.append(
            f"nothing says in which order the numbers {', '.join(ingested.assumed)} name "
            "expressions; FER2013's order was taken; for another one set data.labels "
            "(raf-db, affectnet, ferplus, or a map), for this one data.labels: fer2013, or where "
            "there is a map the numbers in it"
            f"{raf_db if from_one else ''}"
        )
    if ingested.labelled.constant:
        more = ", ..." if ingested.labelled.constant > len(ingested.constant) else ""
        named = ", ".join(ingested.constant)
        lines.append(f"{_blank(ingested)}, one grey value all over: {named}{more}")
    if ingested.dropped:
        rows = counted(ingested.dropped, "row is", "rows are")
        lines.append(f"{rows} no face: artifacts/ingest/dropped.csv lists them")
    return lines


def passed_over(ingested: Ingested) -> list[str]:
    """What is there and was not read, one sentence a reason."""
    lines = []
    for each in ingested.passed:
        more = each.count - len(each.first)
        names = ", ".join(each.first) + (f" and {more:,} more" if more else "")
        lines.append(f"{names}: {each.reason}")
    return lines


def read_as(ingested: Ingested) -> str:
    """Which number or name was understood as which."""
    understood, left = [], []
    for each in ingested.read_as:
        faces = f"({counted(each.faces, 'face')})"
        said = each.said or "an empty label"
        if each.expression:
            understood.append(f"{said} as {each.expression} {faces}")
        else:
            left.append(f"{said} {faces}")
    both = {"read": understood, "left out": left}
    return "; ".join(f"{verb} {', '.join(classes)}" for verb, classes in both.items() if classes)


def by_expression(ingested: Ingested) -> list[list[str]]:
    """A table of faces by expression and, where they are known, parts; its header first."""
    parts, classes = ingested.parts, ingested.labelled.classes
    rows = [["", "faces", *parts]]
    for name in EXPRESSIONS:
        faces = count(classes[name]) if classes[name] else "none"
        rows.append([name, faces, *(count(part[name]) for part in parts.values())])
    sums = [count(sum(part.values())) for part in parts.values()]
    rows.append(["all labelled", count(ingested.labelled.faces), *sums])
    rows.append(["unlabelled", count(ingested.unlabelled.faces), *([NOTHING] * len(parts))])
    return rows


def lines(ingested: Ingested) -> list[str]:
    """All that was found, for a terminal."""
    read = (f"{counted(faces, 'face')} from {name}" for name, faces in ingested.read.items())
    table = by_expression(ingested)
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    spoken = ["read " + ", ".join(read)]
    for name, *cells in table:
        aligned = (cell.rjust(width) for cell, width in zip(cells, others, strict=True))
        spoken.append("  ".join(["    " + name.ljust(first), *aligned]))
    spoken += [
        read_as(ingested),
        *ingested.notes,
        *quality(ingested),
        *(f"not read: {line}" for line in passed_over(ingested)),
        *(f"WARNING: {line}" for line in warnings(ingested)),
    ]
    return [line for line in spoken if line.strip()]
