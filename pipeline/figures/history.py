"""A training, epoch by epoch, as a picture."""

import pandas as pd
from matplotlib.figure import Figure

from pipeline.figures.style import ACCENT, MUTED, SECOND, WIDTH, entitle, legend_above, style


def draw_history(history: pd.DataFrame, kept_epoch: int, title: str) -> Figure:
    """Loss, and accuracy where there is one, of training and validation by epoch.

    The rows of the history are `pipeline.training.selection.Row`; a line marks the kept epoch.
    """
    panels = [kind for kind in ("loss", "accuracy") if f"validation_{kind}" in history]
    with style():
        figure = Figure(figsize=(WIDTH, 0.7 + 1.7 * len(panels)))
        rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for axes, kind in zip(rows, panels, strict=True):
            for part, colour in (("train", SECOND), ("validation", ACCENT)):
                axes.plot(
                    history["epoch"], history[f"{part}_{kind}"], color=colour, label=part,
                    marker="o" if len(history) == 1 else None,  # a line of one point is invisible
                )  # fmt: skip
            axes.axvline(kept_epoch, color=MUTED, linestyle=":", linewidth=1)
            axes.set_ylabel(kind)
            axes.grid(visible=True)
        rows[-1].set_xlabel("epoch")
        rows[-1].xaxis.get_major_locator().set_params(integer=True)
        legend_above(rows[0], 2)
        entitle(figure, title)
    return figure
