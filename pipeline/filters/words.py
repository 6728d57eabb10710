"""What the filters answer to, in words."""

from pipeline.filters.result import Excited
from pipeline.wording.numbers import decimal


def excitement(excited: Excited) -> str:
    """How far the images were brought to excite their filters."""
    before, after = (sum(values) / len(values) for values in (excited.before, excited.after))
    missed = sum(b >= a for b, a in zip(excited.before, excited.after, strict=True))
    text = f"On average the activation goes from {decimal(before)} to {decimal(after)}"
    return f"{text}; {missed} of {len(excited.after)} did not rise." if missed else f"{text}."
