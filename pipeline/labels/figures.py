"""The most suspect faces, as a contact sheet."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.face_grid import draw_tiles

SHOWN = 18
"""Faces of a sheet, at most."""


def draw_suspects(pixels: NDArray[np.uint8], suspects: pd.DataFrame, part: str) -> Figure:
    """The first suspects, each with its label and, below, what the network says instead."""
    first = suspects.head(SHOWN)
    names = [
        f"{EXPRESSIONS[label]}?: {EXPRESSIONS[suggested]} {probability:.0%}"
        for label, suggested, probability in zip(
            first["label"], first["suggested"], first["of_suggested"], strict=True
        )
    ]
    title = f"The most suspect labels of {part.replace('_', '-')} faces"
    return draw_tiles(pixels[first["face"].to_numpy()], names, title)
