"""Pictures of faces: examples, saliency maps, filters, reconstructions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.style import BAD, GOOD, INK, blank, style

Images = NDArray[np.uint8] | NDArray[np.float32]


def draw_grid(
    rows: Sequence[Images], row_names: Sequence[str], title: str, *, tile: float = 0.8
) -> Figure:
    """Rows of grey pictures, each row an array (n, 48, 48) of grey levels 0..255, with its name."""
    columns = max(len(row) for row in rows)
    with style():
        figure = Figure(figsize=(1.0 + tile * columns, 0.35 + tile * len(rows)))
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for number, (row, name) in enumerate(zip(rows, row_names, strict=True)):
            for column in range(columns):
                blank(axes[number, column])
                if column < len(row):
                    axes[number, column].imshow(row[column], cmap="gray", vmin=0, vmax=255)
            axes[number, 0].set_ylabel(name, rotation=0, ha="right", va="center")
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
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
        names: true expression, predicted expression and its probability, for each face.
        title: stands above.
    """
    columns = ["face", *(name for name, _ in maps), "kept"]
    with style():
        figure = Figure(figsize=(2.0 + 1.15 * len(columns), 0.55 + 1.15 * len(faces)))
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
            _annotate(axes[row, 0], f"{true}\n", INK)
            answer = "right" if right else f"seen as {predicted}"
            _annotate(axes[row, 0], f"\n{answer}\n{probability:.0%}", GOOD if right else BAD)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def draw_tiles(
    images: Images, names: Sequence[str], title: str, *, columns: int = 6, tile: float = 1.15
) -> Figure:
    """Pictures side by side, each with its own name and scaled to its own range.

    Args:
        images: (n, height, width), any range.
        names: one a picture; empty strings leave no room for names.
        title: stands above.
        columns: pictures a row.
        tile: side of a picture in inches.
    """
    rows = -(-len(images) // columns)
    height = tile + (0.2 if any(names) else 0.0)
    with style():
        figure = Figure(figsize=(tile * columns, 0.4 + height * rows))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for place in axes:
            blank(place)
        for place, image, name in zip(axes, images, names, strict=False):
            low, high = float(image.min()), float(image.max())
            place.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
            if name:
                place.set_title(name, fontsize=7, loc="center", pad=2)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


def _scaled(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    top = float(np.quantile(saliency, 0.99))
    scaled: NDArray[np.float32] = np.clip(saliency / max(top, 1e-12), 0, 1)
    return scaled


def _annotate(axes: Axes, text: str, colour: str) -> None:
    axes.annotate(
        text, (-0.12, 0.5), xycoords="axes fraction", ha="right", va="center",
        fontsize=8, color=colour, annotation_clip=False,
    )  # fmt: skip
