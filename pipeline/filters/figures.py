"""Filters as pictures: their outputs for a face, and images that excite them."""

from matplotlib.figure import Figure

from pipeline.figures.face_grid import Images, draw_tiles
from pipeline.filters.result import Excited, Strongest


def draw_strongest(
    outputs: Images, strongest: Strongest, images: Images, found: Excited, title: str
) -> Figure:
    """What the filters that a face excites most make of it, and below each what excites it.

    The outputs (F, height, width) are in the order of `strongest`, the images (F, 48, 48) that
    excite the same filters in that of `found`.
    """
    order = [found.filters.index(number) for number in strongest.filters]
    above = [
        f"filter {number}: {mean:.3g}"
        for number, mean in zip(strongest.filters, strongest.on_face, strict=True)
    ]
    below = [captions(found)[place] for place in order]
    return draw_tiles(
        [*outputs, *images[order]], [*above, *below], title, columns=len(strongest.filters)
    )


def captions(found: Excited) -> list[str]:
    """`filter 7: 0.12 → 3.4`, one each."""
    return [
        f"filter {number}: {before:.3g} → {after:.3g}"
        for number, before, after in zip(found.filters, found.before, found.after, strict=True)
    ]
