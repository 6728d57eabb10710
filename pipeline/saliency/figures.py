"""Saliency maps beside, over and under the faces that they belong to."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.explaining.subject import Answer
from pipeline.figures.face_grid import Images, grid
from pipeline.figures.style import BAD, GOOD, INK, MUTED, WIDTH, panel
from pipeline.saliency.result import Deletion
from pipeline.saliency.saliency import METHODS, Maps, Method

Pictures = NDArray[np.float64]
"""(n, height, width, 3), 0..1."""


def draw_one_of_each(
    faces: Images,
    masked: Images,
    maps: Mapping[Method, Maps],
    answers: Sequence[Answer],
    model: str,
) -> dict[str, Figure]:
    """The same faces (n, 48, 48) by every method, beside the masked face, and under the map."""
    chosen = maps["smoothgrad"]
    columns = [("face", grey(faces)), *((name, heat(maps[key])) for key, name in METHODS.items())]
    three = [("map", heat(chosen)), ("face", grey(faces)), ("kept", grey(masked))]
    by_method = f"What the {model}'s answer depends on, by four methods"
    marked = f"{model}: SmoothGrad map, face, and the pixels it marks most"
    over = f"{model}: the map over the face"
    return {
        "methods": draw_rows(columns, answers, by_method),
        "triptych": draw_rows(three, answers, marked),
        "overlay": draw_pictures(overlay(faces, chosen), answers, over, columns=4),
    }


def draw_by_loss(faces: Images, maps: Maps, answers: Sequence[Answer], model: str) -> Figure:
    """Several faces, each beside the gradient of its loss."""
    gap = np.ones((*faces.shape[:2], 2, 3))
    pairs = np.concatenate([grey(faces), gap, heat(maps)], axis=2)
    return draw_pictures(pairs, answers, f"{model}: what would change its loss most", columns=2)


def grey(faces: Images) -> Pictures:
    """Faces (n, 48, 48), 0..255, as pictures."""
    return np.repeat(faces[..., None].astype(np.float64) / 255, 3, axis=-1)


def heat(maps: Maps) -> Pictures:
    """Maps as pictures, dark where a map is 0."""
    return mpl.colormaps["magma"](scale(maps))[..., :3]


def overlay(faces: Images, maps: Maps) -> Pictures:
    """Maps laid over their faces: the more salient a pixel, the less of the face shows."""
    # Squared, so that the haze of slightly salient pixels does not veil the face.
    opacity = scale(maps)[..., None].astype(np.float64) ** 2
    return grey(faces) * (1 - opacity) + np.array(mpl.colormaps["autumn"](0.75)[:3]) * opacity


def scale(maps: Maps) -> Maps:
    """Each map from 0 to 1, its own 99th percentile.

    A few single pixels are much brighter than all others; scaled by those, a map would be black.
    """
    top = np.quantile(maps.reshape(len(maps), -1), 0.99, axis=1)[:, None, None]
    return np.clip(maps / np.maximum(top, 1e-12), 0, 1)


def draw_rows(
    columns: Sequence[tuple[str, Pictures]], answers: Sequence[Answer], title: str
) -> Figure:
    """One row a face, one column a kind of picture with its name, the answer on the left."""
    room = 1.05
    tile = min(0.95, (WIDTH - room) / len(columns))
    size = (room + tile * len(columns), 0.6 + tile * len(answers))
    with grid(len(answers), len(columns), size, title) as (figure, panels):
        for row, (line, answer) in enumerate(zip(panels, answers, strict=True)):
            for axes, (name, pictures) in zip(line, columns, strict=True):
                axes.imshow(pictures[row])
                if row == 0:
                    axes.set_title(name, fontsize=9, loc="center")
            for text, ink in (
                (f"{answer.true}\n", INK),
                (f"\n{answer.verdict}", GOOD if answer.is_right else BAD),
            ):
                line[0].annotate(
                    text, (-0.12, 0.5), xycoords="axes fraction", ha="right", va="center",
                    fontsize=8, color=ink, annotation_clip=False,
                )  # fmt: skip
    return figure


def draw_pictures(
    pictures: Pictures, answers: Sequence[Answer], title: str, *, columns: int
) -> Figure:
    """Pictures side by side, the answer above each."""
    rows = -(-len(pictures) // columns)
    width = WIDTH / columns
    height = width * pictures.shape[1] / pictures.shape[2] + 0.34
    with grid(rows, columns, (WIDTH, 0.4 + height * rows), title) as (figure, panels):
        for axes, picture, answer in zip(panels.ravel(), pictures, answers, strict=False):
            axes.imshow(picture)
            axes.set_title(
                f"{answer.true}\n{answer.verdict}", fontsize=8, loc="center", pad=2,
                color=GOOD if answer.is_right else BAD,
            )  # fmt: skip
    return figure


def draw_deletion(found: Deletion, title: str) -> Figure:
    """Mean probability of the answer while pixels are deleted: by maps, and at random."""
    with panel(title, 3.4) as (figure, axes):
        axes.plot(found.shares, found.random, color=MUTED, linestyle="--", label="at random")
        for number, (method, name) in enumerate(METHODS.items()):
            axes.plot(
                found.shares, found.salient[method],
                color=f"C{number}", linewidth=1 if number else 2, label=name,
            )  # fmt: skip
        axes.set(xlim=(0, 1), xlabel="share of the pixels deleted", ylabel="probability")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(visible=True)
        axes.legend(fontsize=8)
    return figure
