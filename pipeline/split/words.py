"""The parts of the split, in words and in a table."""

from collections.abc import Mapping

from pipeline.params import Split
from pipeline.split.result import Parts
from pipeline.wording.numbers import count, counted


def leaks(parts: Parts) -> str:
    """Whether held-out faces have copies in other parts, and how many near-copies were kept out."""
    if not parts.copies_across_parts:
        none = "No validation or test face was found to have a copy or near-copy in another part."
        if not parts.by_exact_copies_alone:
            return none
        kept = count(parts.by_exact_copies_alone)
        return f"{none} If only exact copies were kept on one side, {kept} of them would have one."
    faces = counted(parts.copies_across_parts, "validation or test face")
    have = "has a copy" if parts.copies_across_parts == 1 else "have copies"
    return (
        f"Warning: {faces} {have}, pixel by pixel or nearly, in another part, which makes the "
        "scores too high."
    )


def counts(parts: Parts) -> list[tuple[str, str]]:
    """Faces in each part."""
    return [
        ("Faces for training", count(parts.train)),
        ("Faces for validation", count(parts.validation)),
        ("Faces for the test", count(parts.test)),
        ("Held-out faces with a copy in another part", count(parts.copies_across_parts)),
    ]


def lines(parts: Parts, own: Mapping[str, int], settings: Split) -> list[str]:
    """What was parted how, for a terminal; `own` counts the faces of the source's own parts."""
    named = ", ".join(f"{usage} {count(faces)}" for usage, faces in own.items())
    sizes = f"train {count(parts.train)}, validation {count(parts.validation)}, "
    said = [f"{sizes}test {count(parts.test)}"]
    if settings.method != "usage" and len(own) > 1:
        said.append(
            f"all faces are pooled and parted anew ({settings.method}); split.method: usage keeps "
            f"the source's own parts, {named}"
        )
    elif settings.method == "usage" and len(own) == 2:
        test = next(usage for usage in own if usage != "Training")
        said.append(
            f"the source has two parts, {named}: {test} gives the figures, and split.validation = "
            f"{settings.validation:g} of the training faces choose"
        )
    elif settings.method == "usage":
        said.append(f"as the source has it: {named}")
    if parts.copies_across_parts:
        said.append(leaks(parts).replace("Warning", "WARNING"))
    return said
