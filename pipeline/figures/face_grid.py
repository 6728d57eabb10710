"""Pictures of faces in rows and columns: examples, filters, reconstructions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.style import WIDTH, blank, entitle, style

_SHARP = 48
"""Pixels a side from which an image is kept as it is."""

Images = NDArray[np.uint8] | NDArray[np.float32]

Panels = NDArray[np.object_]
"""Matplotlib's axes, (rows, columns)."""


@contextmanager
def grid(
    rows: int, columns: int, size: tuple[float, float], title: str
) -> Iterator[tuple[Figure, Panels]]:
    """A figure, its size in inches, with rows of empty panels to be filled inside the block."""
    with style():
        figure = Figure(figsize=size)
        axes = figure.subplots(rows, columns, squeeze=False)
        for each in axes.flat:
            blank(each)
        yield figure, axes
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore
        entitle(figure, title)


def draw_grid(rows: Sequence[Images], row_names: Sequence[str], title: str) -> Figure:
    """Rows of grey pictures, each row an array (n, 48, 48) of grey levels 0..255, with its name."""
    columns = max(len(row) for row in rows)
    names = 0.7
    tile = min(0.8, (WIDTH - names) / columns)
    size = (names + tile * columns, 0.4 + tile * len(rows))
    with grid(len(rows), columns, size, title) as (figure, panels):
        for line, row, name in zip(panels, rows, row_names, strict=True):
            for axes, image in zip(line, row, strict=False):
                axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def draw_tiles(
    images: Images | Sequence[Images], names: Sequence[str], title: str, *, columns: int = 6,
    tile: float = 1.15,
) -> Figure:  # fmt: skip
    """Pictures (height, width) side by side, each with its own name and scaled to its own range.

    What follows a colon in a name is on a line of its own. `tile` is the side of a picture in
    inches, or less where the row would be too wide.
    """
    rows = -(-len(images) // columns)
    tile = min(tile, WIDTH / columns)
    names = [name.replace(": ", "\n") for name in names]
    lines = max((name.count("\n") + 1 for name in names if name), default=0)
    size = (tile * columns, 0.4 + (tile + 0.14 * lines) * rows)
    with grid(rows, columns, size, title) as (figure, panels):
        for axes, image, name in zip(panels.ravel(), images, names, strict=False):
            low, high = float(image.min()), float(image.max())
            axes.imshow(_enlarge(image), cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
            if name:
                axes.set_title(name, fontsize=7.5, loc="center", pad=2)
    return figure


def _enlarge(image: Images) -> Images:
    """Repeat the pixels of a small image, so that they are seen as squares and not as a blur."""
    times = -(-_SHARP // len(image))
    return image.repeat(times, axis=0).repeat(times, axis=1)
