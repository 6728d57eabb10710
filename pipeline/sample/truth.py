"""What the sample's faces show, whatever their labels say."""

from pathlib import Path

import numpy as np

from pipeline.layout import SAMPLE
from pipeline.params import Params
from pipeline.sample.drawing.actions import IntArray
from pipeline.sample.sample import draw_expressions


def true_expressions(params: Params) -> IntArray | None:
    """The expression of each labelled row of the sample, (N,); none if other faces are studied."""
    source = Path(params.data.source)
    if SAMPLE not in (source, *source.parents):
        return None
    # They are what `make_sample` draws first; chance that comes later changes labels alone.
    return draw_expressions(params.sample.faces, np.random.default_rng(params.sample.seed))
