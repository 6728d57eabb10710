"""What the filters answer to, in words."""

from statistics import mean

from pipeline.filters.result import Excited
from pipeline.wording.numbers import decimal


def excitement(excited: Excited) -> str:
    """How far the images were brought to excite their filters."""
    before, after = decimal(mean(excited.before)), decimal(mean(excited.after))
    missed = sum(b >= a for b, a in zip(excited.before, excited.after, strict=True))
    text = f"On average the activation goes from {before} to {after}"
    return f"{text}; {missed} of {len(excited.after)} did not rise." if missed else f"{text}."
