"""Paint in layers: where pixels lie on a face, soft shapes, and covering a canvas with them.

Everything broadcasts to (N, 48, 48). Edges are soft over one pixel, so a shape may lie between
pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.sample.drawing.people import FloatArray


class Layer(NamedTuple):
    """Some paint: its grey value, 0 to 1, and how much of each pixel it covers, 0 to 1."""

    grey: FloatArray | float
    cover: FloatArray


@dataclass(frozen=True)
class View:
    """Where each pixel lies on the face, (N, 48, 48) each, y and v pointing down.

    Attributes:
        x: across the head, which a turn does not move.
        y: down the head.
        u: across the features, which a turn moves against the head.
        v: down the features.
        across: distance from the face's middle line, so that both halves are drawn at once.
        edge: distance from the head's middle, 1 at its outline.
        shade: how brightly the skin is lit there.
    """

    x: FloatArray
    y: FloatArray
    u: FloatArray
    v: FloatArray
    across: FloatArray
    edge: FloatArray
    shade: FloatArray


def inside(distance: FloatArray) -> FloatArray:
    """Coverage of a shape from signed distances to its edge in pixels (negative inside)."""
    return np.clip(0.5 - distance, 0, 1)


def spot(x: FloatArray | float, y: FloatArray) -> FloatArray:
    """A soft round hill of height 1 that ends at radius 1."""
    rest: FloatArray = np.maximum(1 - x * x - y * y, 0)
    return rest * rest


def stroke(offset: FloatArray, thickness: FloatArray | float) -> FloatArray:
    """Coverage of a line from distances to it; it ends at `thickness` on both sides."""
    return np.maximum(1 - np.abs(offset) / thickness, 0)


def cover(canvas: FloatArray, layers: Iterable[Layer]) -> None:
    """Paint layers over a canvas, in place, the first one lowest."""
    for grey, coverage in layers:
        canvas += coverage * (grey - canvas)
