"""Faces of each expression and part, as a picture."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.style import legend_above, panel


def draw_counts(counts: Mapping[str, NDArray[np.int64]], title: str) -> Figure:
    """Faces of each expression in each part, stacked: (7,) by the part."""
    with panel(title, 3.3) as (figure, axes):
        base = np.zeros(len(EXPRESSIONS))
        for part, faces in counts.items():
            bars = axes.barh(EXPRESSIONS, faces, 0.7, left=base, label=part)
            base += faces
        axes.bar_label(bars, [f"{total:,.0f}" for total in base], padding=4, fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlabel("faces")
        axes.margins(x=0.14)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.get_major_locator().set_params(nbins=5)  # type: ignore[call-arg]
        legend_above(axes, len(counts))
    return figure
