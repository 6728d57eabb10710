"""Test-time augmentation in words."""

from pipeline.params import TTA
from pipeline.wording.numbers import counted


def tta_views(tta: TTA) -> str:
    """Of what a probability is the mean: "a face and its mirror image"; nothing if of one face."""
    moved = f"moved by {counted(tta.shift, 'pixel')} up, down, left and right"
    if tta.flip and tta.shift:
        return f"a face, the face {moved}, and the mirror images of these"
    if tta.shift:
        return f"a face and the face {moved}"
    return "a face and its mirror image" if tta.flip else ""
