"""What the sample's faces show, whatever their labels say."""

import numpy as np

from pipeline.layout import is_sample
from pipeline.params import Params
from pipeline.sample.drawing.actions import IntArray
from pipeline.sample.sample import draw_expressions


def true_expressions(params: Params) -> IntArray | None:
    """The expression of each labelled row of the sample, (N,); none if other faces are studied."""
    if not is_sample(params.data.source):
        return None
    # They are what `make_sample` draws first; chance that comes later changes labels alone.
    return draw_expressions(params.sample.faces, np.random.default_rng(params.sample.seed))
