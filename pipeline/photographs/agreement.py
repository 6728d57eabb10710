"""How far the labels of one photograph agree, and what that leaves a network to reach.

Each label of a photograph is taken for a draw of its own from what people call it: expression k
with probability p(k). Two of them agree with probability a = sum of p(k)², and a network that knows
all p names the most probable expression and is right with probability m = max p(k). Of m is known
that a <= m, as a <= m times the sum of p, and that a >= m² + (1 - m)² / 6, as what is left to the
other six expressions adds least where it is spread evenly. The second, solved for m, is a concave
function of a, so both hold for means over photographs, too.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.photographs.result import Agreement
from pipeline.statistics.intervals import Interval, share_interval

FEWEST = 30
"""Photographs below which nothing is said."""


def measure_agreement(
    photographs: NDArray[np.int64],
    md5: NDArray[np.object_],
    labels: NDArray[np.int8],
) -> dict[str, Agreement]:
    """Agreement of the labels of near-copies, and of exact copies; without those that are too few.

    Exact copies are apart, as someone may have copied the label with the face. Among near-copies
    each image counts once, with the label that it has first.

    All arrays are (N,), an entry a face.
    """
    table = pd.DataFrame({"photograph": photographs, "md5": md5, "label": labels})
    images = table.drop_duplicates("md5")
    kinds = {
        "near_copies": pair_agreement(images["photograph"], images["label"]),
        "exact_copies": pair_agreement(table["md5"], table["label"]),
    }
    found = {}
    for name, agreements in kinds.items():
        if len(agreements) >= FEWEST:
            # Most are 1 and some 0: a share, nearly, and where all agree others could still not.
            share = share_interval(round(agreements.sum()), len(agreements))
            agree = replace(share, value=float(agreements.mean()))
            ceiling = Interval(*(ceiling_of(end) for end in (agree.value, agree.low, agree.high)))
            found[name] = Agreement(len(agreements), agree, ceiling)
    return found


def pair_agreement(groups: "pd.Series[int]", labels: "pd.Series[int]") -> NDArray[np.float64]:
    """Of each group of two or more, the share of its pairs whose labels agree."""
    of_label = pd.crosstab(groups, labels).to_numpy()
    size = of_label.sum(axis=1)
    of_label, size = of_label[size > 1], size[size > 1]
    shares: NDArray[np.float64] = (of_label * (of_label - 1)).sum(axis=1) / (size * (size - 1))
    return shares


def ceiling_of(agreement: float) -> float:
    """The greatest mean accuracy that any network can have where labels agree so often."""
    classes = len(EXPRESSIONS)
    spread = max(0.0, classes * agreement - 1) * (classes - 1)
    return min(1.0, float((1 + np.sqrt(spread)) / classes))
