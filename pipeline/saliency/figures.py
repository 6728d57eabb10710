"""Saliency maps beside, over and under the faces that they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.figures.face_grid import Images, close_ranks
from pipeline.figures.style import (
    ACCENT,
    BAD,
    GOOD,
    INK,
    MUTED,
    SECOND,
    WIDTH,
    blank,
    entitle,
    style,
)

Maps = NDArray[np.float32]
"""(n, 48, 48), not negative."""

Pictures = NDArray[np.float64]
"""(n, height, width, 3), 0..1."""


@dataclass(frozen=True)
class Answer:
    """What a face is, what a network says, and how sure it is."""

    true: str
    predicted: str
    probability: float

    @property
    def is_right(self) -> bool:
        """Whether the network names the true expression."""
        return self.true == self.predicted

    @property
    def verdict(self) -> str:
        """`right, 93%` or `as neutral, 51%`."""
        return f"{'right' if self.is_right else f'as {self.predicted}'}, {self.probability:.0%}"


def grey(faces: Images) -> Pictures:
    """Faces (n, 48, 48), 0..255, as pictures."""
    return np.repeat(faces[..., None].astype(np.float64) / 255, 3, axis=-1)


def heat(maps: Maps) -> Pictures:
    """Maps as pictures: dark is nothing, bright the map's own 99th percentile and above.

    A few single pixels are much brighter than all others; scaled by those, a map would be black.
    """
    top = np.quantile(maps.reshape(len(maps), -1), 0.99, axis=1)[:, None, None]
    return mpl.colormaps["magma"](np.clip(maps / np.maximum(top, 1e-12), 0, 1))[..., :3]


def overlay(faces: Images, maps: Maps) -> Pictures:
    """Maps laid over their faces: the more salient a pixel, the less of the face shows."""
    top = np.quantile(maps.reshape(len(maps), -1), 0.99, axis=1)[:, None, None]
    # Squared, so that the haze of slightly salient pixels does not veil the face.
    opacity = np.clip(maps / np.maximum(top, 1e-12), 0, 1)[..., None].astype(np.float64) ** 2
    return grey(faces) * (1 - opacity) + np.array(mpl.colormaps["autumn"](0.75)[:3]) * opacity


def beside(first: Pictures, second: Pictures) -> Pictures:
    """Two pictures as one, with a gap."""
    gap = np.ones((*first.shape[:2], 2, 3))
    return np.concatenate([first, gap, second], axis=2)


def draw_rows(
    columns: Sequence[tuple[str, Pictures]], answers: Sequence[Answer], title: str
) -> Figure:
    """One row a face, one column a kind of picture, the answer on the left.

    Args:
        columns: name and pictures of each, one a face.
        answers: what each face is and is taken for.
        title: stands above.
    """
    room = 1.05
    tile = min(0.95, (WIDTH - room) / len(columns))
    with style():
        figure = Figure(figsize=(room + tile * len(columns), 0.6 + tile * len(answers)))
        axes = figure.subplots(len(answers), len(columns), squeeze=False)
        for row, answer in enumerate(answers):
            for column, (name, pictures) in enumerate(columns):
                place = axes[row, column]
                blank(place)
                place.imshow(pictures[row])
                if row == 0:
                    place.set_title(name, fontsize=9, loc="center")
            _annotate(axes[row, 0], f"{answer.true}\n", INK)
            _annotate(axes[row, 0], f"\n{answer.verdict}", GOOD if answer.is_right else BAD)
        close_ranks(figure)
        entitle(figure, title)
    return figure


def draw_pictures(
    pictures: Pictures, answers: Sequence[Answer], title: str, *, columns: int
) -> Figure:
    """Pictures side by side, the answer above each."""
    rows = -(-len(pictures) // columns)
    width = WIDTH / columns
    height = width * pictures.shape[1] / pictures.shape[2] + 0.34
    with style():
        figure = Figure(figsize=(WIDTH, 0.4 + height * rows))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for place in axes:
            blank(place)
        for place, picture, answer in zip(axes, pictures, answers, strict=False):
            place.imshow(picture)
            place.set_title(
                f"{answer.true}\n{answer.verdict}", fontsize=8, loc="center", pad=2,
                color=GOOD if answer.is_right else BAD,
            )  # fmt: skip
        close_ranks(figure)
        entitle(figure, title)
    return figure


def draw_deletion(
    shares: NDArray[np.floating],
    salient: Mapping[str, Sequence[float]],
    random: Sequence[float],
    title: str,
) -> Figure:
    """Mean probability of the answer while pixels are deleted: by maps, and at random."""
    with style():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.add_subplot()
        axes.plot(shares, random, color=MUTED, linestyle="--", label="at random")
        for number, (name, curve) in enumerate(salient.items()):
            colour = (ACCENT, SECOND, GOOD, BAD)[number % 4]
            axes.plot(shares, curve, color=colour, linewidth=1 if number else 2, label=name)
        axes.set(xlim=(0, 1), xlabel="share of the pixels deleted", ylabel="probability")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(visible=True)
        axes.legend(fontsize=8)
        entitle(figure, title)
    return figure


def _annotate(axes: Axes, text: str, colour: str) -> None:
    axes.annotate(
        text, (-0.12, 0.5), xycoords="axes fraction", ha="right", va="center",
        fontsize=8, color=colour, annotation_clip=False,
    )  # fmt: skip
