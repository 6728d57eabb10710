"""Small examples for the page's mathematics, computed by the functions that it explains."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.expressions import SIDE
from pipeline.networks.layer_row import LayerRow
from pipeline.networks.mathematics import batch_norm_gradient, cross_entropy_gradient, softmax
from pipeline.networks.mathematics import output_size as output_size
from pipeline.wording.numbers import decimal

VALUES = np.array([[1.0], [2.0], [6.0]])
"""One channel of three faces."""

PUSH = np.array([[1.0], [0.0], [0.0]])
"""The gradient that reaches the normalised values: only the first is to fall."""

LOGITS = np.array([[2.0, 1.0, -1.0]])
TRUE = np.array([1])


def sides(layers: Sequence[LayerRow]) -> str:
    """Side of the maps from layer to layer of a network, as `48, 24, 12`; members are alike."""
    one = [row for row in layers if row.name.startswith("member1.")] or layers
    found = [SIDE] + [layer.shape[1] for layer in one if len(layer.shape) > 1]
    return ", ".join(str(side) for side, _ in groupby(found))


def normalised_push() -> tuple[str, str, str]:
    """Values, what reaches them behind batch normalisation, and what is left before it."""
    gradient, _, _ = batch_norm_gradient(VALUES, PUSH, np.ones(1), 1e-3)
    return _row(VALUES, 0), _row(PUSH, 0), _row(gradient)


def push_of_logits() -> tuple[str, str, str]:
    """Logits of three classes, their probabilities, and the gradient with the second class true."""
    return _row(LOGITS, 0), _row(softmax(LOGITS)), _row(cross_entropy_gradient(LOGITS, TRUE))


def _row(values: NDArray[np.floating], decimals: int = 2) -> str:
    return ", ".join(decimal(float(value), decimals) for value in values.ravel())
