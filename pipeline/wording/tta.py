"""Test-time augmentation in words."""

from pipeline.params import Views
from pipeline.wording.numbers import counted


def tta_views(views: Views) -> str:
    """Of what a probability is the mean: "a face and its mirror image"; nothing if of one face."""
    moved = f"moved by {counted(views.shift, 'pixel')} up, down, left and right"
    if views.flip and views.shift:
        return f"a face, the face {moved}, and the mirror images of these"
    if views.shift:
        return f"a face and the face {moved}"
    return "a face and its mirror image" if views.flip else ""
