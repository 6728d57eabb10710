"""Pictures of faces: examples, filters, reconstructions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.style import WIDTH, blank, entitle, style

_SHARP = 48
"""Pixels a side from which an image is kept as it is."""

Images = NDArray[np.uint8] | NDArray[np.float32]


def draw_grid(
    rows: Sequence[Images], row_names: Sequence[str], title: str, *, tile: float = 0.8
) -> Figure:
    """Rows of grey pictures, each row an array (n, 48, 48) of grey levels 0..255, with its name.

    `tile` is the side of a picture in inches, or less where the row would be too wide.
    """
    columns = max(len(row) for row in rows)
    names = 0.7
    tile = min(tile, (WIDTH - names) / columns)
    with style():
        figure = Figure(figsize=(names + tile * columns, 0.4 + tile * len(rows)))
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for number, (row, name) in enumerate(zip(rows, row_names, strict=True)):
            for column in range(columns):
                blank(axes[number, column])
                if column < len(row):
                    axes[number, column].imshow(row[column], cmap="gray", vmin=0, vmax=255)
            axes[number, 0].set_ylabel(name, rotation=0, ha="right", va="center")
        close_ranks(figure)
        entitle(figure, title)
    return figure


def draw_tiles(
    images: Images | Sequence[Images], names: Sequence[str], title: str, *, columns: int = 6,
    tile: float = 1.15,
) -> Figure:  # fmt: skip
    """Pictures side by side, each with its own name and scaled to its own range.

    Args:
        images: (height, width) each, of any range.
        names: one a picture, what follows a colon on a line of its own; empty strings leave no
            room for names.
        title: stands above.
        columns: pictures a row.
        tile: side of a picture in inches, or less where the row would be too wide.
    """
    rows = -(-len(images) // columns)
    tile = min(tile, WIDTH / columns)
    names = [name.replace(": ", "\n") for name in names]
    lines = max((name.count("\n") + 1 for name in names if name), default=0)
    with style():
        figure = Figure(figsize=(tile * columns, 0.4 + (tile + 0.14 * lines) * rows))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for place in axes:
            blank(place)
        for place, image, name in zip(axes, images, names, strict=False):
            low, high = float(image.min()), float(image.max())
            place.imshow(_enlarge(image), cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
            if name:
                place.set_title(name, fontsize=7.5, loc="center", pad=2)
        close_ranks(figure)
        entitle(figure, title)
    return figure


def close_ranks(figure: Figure) -> None:
    """Leave a hair's breadth between pictures."""
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore


def _enlarge(image: Images) -> Images:
    """Repeat the pixels of a small image, so that they are seen as squares and not as a blur."""
    times = -(-_SHARP // len(image))
    return image.repeat(times, axis=0).repeat(times, axis=1)
