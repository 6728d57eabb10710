"""A dense network of a given size: so that two kinds of network are compared, not two sizes."""

from bisect import bisect_right

import torch

from pipeline.errors import UserError
from pipeline.networks.classifier import Architecture
from pipeline.networks.networks import DENSE, build_network, count_parameters
from pipeline.params import ModelName, Params, Train

TOLERANCE = 0.02
"""Share by which the matched network may be larger or smaller."""


def wanted_size(params: Params, model: ModelName) -> int:
    """How many parameters a classifier shall have; 0 where it has those of its design."""
    if model != "dnn" or params.train.dnn.match != "cnn":
        return 0
    cnn = params.train.cnn
    with torch.device("meta"):  # to be counted alone
        return count_parameters(build_network(cnn.network, members=cnn.ensemble))


def design(settings: Train, size: int) -> Architecture:
    """The classifier of a training; with so many parameters, or with 0 those of its design."""
    return Architecture(
        settings.network,
        settings.dropout,
        settings.normalisation,
        width=match_width(settings.network, size // settings.ensemble) if size else 1.0,
        members=settings.ensemble,
        initialisation=settings.initialisation,
    )


def match_width(name: str, parameters: int) -> float:
    """The factor of a dense network's hidden widths with which it has so many parameters.

    The smallest step of 1/1000 that comes as close as any.

    Raises:
        UserError: the network is not dense, or cannot be made as small or as large as that.
    """
    if name not in DENSE:
        raise UserError(
            f"network {name!r} has convolutions: only a network of dense layers can be matched to "
            f"another one's size; choose one of: {', '.join(DENSE)}"
        )
    widths = range(1, 100_000)  # the count rises with the width
    high = bisect_right(widths, parameters, lo=1, key=lambda width: _count(name, width))
    near = widths[high - 1 : high + 1]
    best = min(near, key=lambda width: abs(_count(name, width) - parameters))
    found = _count(name, best)
    if abs(found - parameters) > TOLERANCE * parameters:
        raise UserError(
            f"match = 'cnn': {name!r} cannot have {parameters:,} parameters; the closest is "
            f"{found:,}; choose another dense network or match = 'dnn'"
        )
    return best / 1000


def _count(name: str, thousandths: int) -> int:
    with torch.device("meta"):  # shapes alone: nothing is allocated or filled
        return count_parameters(build_network(name, width=thousandths / 1000))
