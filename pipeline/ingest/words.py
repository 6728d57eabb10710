"""What was found in the data, in words and in a table."""

from pathlib import Path

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.ingest.result import Ingested
from pipeline.layout import SAMPLE
from pipeline.wording.numbers import NOTHING, count, counted


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


def sentence(text: str) -> str:
    """A line of the terminal as a sentence of the page."""
    return f"{text[:1].upper()}{text[1:]}."


def warnings(ingested: Ingested) -> list[str]:
    """What whoever brought the faces should look at before a training."""
    lines = []
    empty = [name for name, number in ingested.labelled.classes.items() if not number]
    if empty:
        verb, number = ("has", "one") if len(empty) == 1 else ("have", "some")
        lines.append(
            f"{_listed(empty)} {verb} no face: macro-F1 and confusion are over seven expressions, "
            f"of which {number} cannot be learned"
        )
    if ingested.assumed:
        lines.append(
            f"nothing says in which order the numbers {', '.join(ingested.assumed)} name "
            "expressions; FER2013's order was taken; for another one set data.labels "
            "(raf-db, affectnet, ferplus, or a map), for this one data.labels: fer2013"
        )
    if ingested.labelled.constant:
        faces = counted(ingested.labelled.constant, "labelled face")
        verb = "is" if ingested.labelled.constant == 1 else "are"
        more = ", ..." if ingested.labelled.constant > len(ingested.constant) else ""
        lines.append(
            f"{faces} {verb} blank, one grey value all over: {', '.join(ingested.constant)}{more}"
        )
    if ingested.dropped:
        rows = counted(ingested.dropped, "row")
        verb = "is" if ingested.dropped == 1 else "are"
        lines.append(f"{rows} {verb} no face: artifacts/ingest/dropped.csv lists them")
    return lines


def passed_over(ingested: Ingested) -> list[str]:
    """What is there and was not read, one sentence a reason."""
    return [
        f"{', '.join(each.first)}"
        f"{f' and {each.count - len(each.first):,} more' if each.count > len(each.first) else ''}: "
        f"{each.reason}"
        for each in ingested.passed
    ]


def read_as(ingested: Ingested) -> str:
    """Which number or name was understood as which."""
    understood = [
        f"{each.said} as {each.expression} ({counted(each.faces, 'face')})"
        for each in ingested.read_as
        if each.expression
    ]
    left = [
        f"{each.said} ({counted(each.faces, 'face')})"
        for each in ingested.read_as
        if not each.expression
    ]
    said = [f"read {', '.join(understood)}"] if understood else []
    return "; ".join(said + ([f"left out {', '.join(left)}"] if left else []))


def by_expression(ingested: Ingested) -> list[list[str]]:
    """A table of faces by expression and, where they are known, parts; its header first."""
    parts = ingested.parts
    rows = [["", "faces", *parts]]
    for name in EXPRESSIONS:
        number = ingested.labelled.classes[name]
        faces = [count(parts[part][name]) for part in parts]
        rows.append([name, count(number) if number else "none", *faces])
    rows.append(["all labelled", count(ingested.labelled.faces), *_sums(parts)])
    rows.append(["unlabelled", count(ingested.unlabelled.faces), *([NOTHING] * len(parts))])
    return rows


def lines(ingested: Ingested) -> list[str]:
    """All that was found, for a terminal."""
    read = (f"{counted(faces, 'face')} from {name}" for name, faces in ingested.read.items())
    table = by_expression(ingested)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    spoken = [
        "read " + ", ".join(read),
        *(
            "    "
            + row[0].ljust(widths[0])
            + "".join(
                "  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
            )
            for row in table
        ),
        read_as(ingested),
        *ingested.notes,
        *quality(ingested),
        *(f"not read: {line}" for line in passed_over(ingested)),
        *(f"WARNING: {line}" for line in warnings(ingested)),
    ]
    return [line for line in spoken if line.strip()]


def _sums(parts: dict[str, dict[str, int]]) -> list[str]:
    return [count(sum(faces.values())) for faces in parts.values()]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
