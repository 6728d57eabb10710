"""The parts of the split, in words and in a table."""

from pipeline.split.result import Parts
from pipeline.wording.numbers import count, counted


def leaks(parts: Parts) -> str:
    """Whether held-out faces have copies in other parts."""
    if not parts.copies_across_parts:
        return "No validation or test face has an exact copy in another part."
    faces = counted(parts.copies_across_parts, "validation or test face")
    have = "has an exact copy" if parts.copies_across_parts == 1 else "have exact copies"
    return f"Warning: {faces} {have} in another part, which makes the scores too high."


def counts(parts: Parts) -> list[tuple[str, str]]:
    """Faces in each part."""
    return [
        ("Faces for training", count(parts.train)),
        ("Faces for validation", count(parts.validation)),
        ("Faces for the test", count(parts.test)),
        ("Held-out faces with a copy in another part", count(parts.copies_across_parts)),
    ]
