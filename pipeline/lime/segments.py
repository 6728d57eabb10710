"""Superpixels: a face parted into patches of neighbouring pixels that are alike.

SLIC (Achanta et al. 2012, doi:10.1109/TPAMI.2012.120) in scikit-image's version: k-means over place
and grey level, then every patch that is not of one piece is mended.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

Segments = NDArray[np.int64]
"""(48, 48): the segment of each pixel, numbered from 0 without a gap."""

_COMPACTNESS = 0.2
"""How much place counts against grey level: patches follow brows and lips and are still round."""

_BLUR = 1.0
"""Pixels; without it the noise of a small picture frays the edges."""


def segment(face: NDArray[np.uint8], segments: int) -> Segments:
    """Part a face (48, 48) into connected segments that cover it, about so many."""
    labels = slic(
        face.astype(np.float64) / 255,
        n_segments=segments,
        compactness=_COMPACTNESS,
        sigma=_BLUR,
        start_label=0,
        channel_axis=None,
    )
    numbered: Segments = np.unique(labels, return_inverse=True)[1].reshape(face.shape)
    return numbered.astype(np.int64)


def borders(segments: NDArray[np.integer]) -> NDArray[np.float64]:
    """Lines between the pixels of different segments.

    Returns:
        (lines, 2, 2): start and end of each, as (x, y) in pixels; the centre of the top left pixel
        is (0, 0). Lines that go on in the same direction are one.
    """
    down = _runs(segments[:-1] != segments[1:])
    across = _runs((segments[:, :-1] != segments[:, 1:]).T)
    lines = [[(start, place), (end, place)] for place, start, end in down]
    lines += [[(place, start), (place, end)] for place, start, end in across]
    return np.array(lines, dtype=np.float64).reshape(-1, 2, 2)


def _runs(differs: NDArray[np.bool_]) -> list[tuple[float, float, float]]:
    """Where a row of differences begins and ends, behind which line of pixels."""
    found = []
    for row, line in enumerate(differs):
        steps = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
        for start, end in zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True):
            found.append((row + 0.5, float(start) - 0.5, float(end) - 0.5))
    return found
