"""Pictures of faces: examples, saliency maps, filters, reconstructions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.style import BAD, GOOD, INK, WIDTH, blank, entitle, style

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
        _close_ranks(figure)
        entitle(figure, title)
    return figure


def draw_saliency(
    faces: Images,
    maps: Sequence[tuple[str, NDArray[np.float32]]],
    masked: Images,
    names: Sequence[tuple[str, str, float]],
    title: str,
) -> Figure:
    """One row a face: the face, its saliency maps, and what is left of it under the mask.

    Args:
        faces: grey levels, (n, 48, 48).
        maps: name of each method and its maps (n, 48, 48); each map is scaled by its own
            99th percentile, so that single bright pixels do not hide the others.
        masked: faces with all but the most salient pixels covered, (n, 48, 48).
        names: true expression, predicted expression and its probability, for each face; stand
            beside it, as `sad` over `right, 93%` or `as neutral, 51%`.
        title: stands above.
    """
    columns = ["face", *(name for name, _ in maps), "kept"]
    with style():
        beside = 1.05
        tile = (WIDTH - beside) / len(columns)
        figure = Figure(figsize=(WIDTH, 0.6 + tile * len(faces)))
        axes = figure.subplots(len(faces), len(columns), squeeze=False)
        for row, (true, predicted, probability) in enumerate(names):
            pictures = [faces[row], *(_scaled(part[row]) for _, part in maps), masked[row]]
            for column, picture in enumerate(pictures):
                is_map = 0 < column <= len(maps)
                blank(axes[row, column])
                axes[row, column].imshow(
                    picture, cmap="magma" if is_map else "gray", vmin=0, vmax=1 if is_map else 255
                )
                if row == 0:
                    axes[row, column].set_title(columns[column], fontsize=9, loc="center")
            right = true == predicted
            answer = "right" if right else f"as {predicted}"
            _annotate(axes[row, 0], f"{true}\n", INK)
            _annotate(axes[row, 0], f"\n{answer}, {probability:.0%}", GOOD if right else BAD)
        _close_ranks(figure)
        entitle(figure, title)
    return figure


def draw_tiles(
    images: Images, names: Sequence[str], title: str, *, columns: int = 6, tile: float = 1.15
) -> Figure:
    """Pictures side by side, each with its own name and scaled to its own range.

    Args:
        images: (n, height, width), any range.
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
        _close_ranks(figure)
        entitle(figure, title)
    return figure


def _close_ranks(figure: Figure) -> None:
    """Leave a hair's breadth between pictures."""
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore


def _enlarge(image: Images) -> Images:
    """Repeat the pixels of a small image, so that they are seen as squares and not as a blur."""
    times = -(-_SHARP // len(image))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _scaled(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    top = float(np.quantile(saliency, 0.99))
    scaled: NDArray[np.float32] = np.clip(saliency / max(top, 1e-12), 0, 1)
    return scaled


def _annotate(axes: Axes, text: str, colour: str) -> None:
    axes.annotate(
        text, (-0.12, 0.5), xycoords="axes fraction", ha="right", va="center",
        fontsize=8, color=colour, annotation_clip=False,
    )  # fmt: skip
