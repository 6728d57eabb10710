"""Do maps depend on what the network has learned? Undo the learning, and see whether they change.

The cascading randomisation of Adebayo et al. 2018 (arXiv:1810.03292): layer by layer, from the
answer back to the face, learned weights give way to those of a network that has learned nothing. A
map that stays as it was shows the face's edges, not the network's reasons.
"""

import copy
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from pipeline.networks.classifier import Classifier
from pipeline.networks.ensemble import members
from pipeline.saliency.result import Randomisation
from pipeline.saliency.saliency import Maps
from pipeline.statistics.intervals import mean_interval

APART = 2**31
"""Added to the seed. Those of trainings are smaller: from the very weights that a training began
with, a part of its maps would come back."""


def measure_randomisation(
    learned: Classifier, draw_maps: Callable[[Classifier], Maps], *, seed: int
) -> Randomisation:
    """How alike maps stay to those of the learned network, which is left as it is, as it forgets.

    `draw_maps` gives maps (N, 48, 48) of the same faces and classes by a network; the seed is that
    of the weights that have learned nothing.
    """
    before, found = draw_maps(learned), {}
    for layer, network in forget_by_layer(learned, seed):
        maps = draw_maps(network)
        found[layer] = correlate_ranks(before, maps)
    last = found[layer]
    # Each map beside that of the next face: all maps share where faces have edges at all.
    others = correlate_ranks(before, np.roll(maps, 1, axis=0))
    return Randomisation(
        faces=len(before),
        spearman={layer: float(values.mean()) for layer, values in found.items()},
        all=mean_interval(last),
        others=float(others.mean()),
        excess=mean_interval(last - others),
    )


def unlearned(learned: Classifier, seed: int) -> Classifier:
    """The same network with initial weights: it has learned nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(APART + seed)
        fresh = Classifier(learned.architecture)
    return fresh.to(next(learned.parameters()).device).eval()


def forget_by_layer(learned: Classifier, seed: int) -> Iterator[tuple[str, Classifier]]:
    """Networks with initial weights from a layer on to the answer; the last one knows nothing.

    A layer is a convolution, a linear map or a block, with the normalisation behind it.
    """
    fresh, forgetting = unlearned(learned, seed), copy.deepcopy(learned)
    # Of an ensemble, all members forget a layer at once.
    new, old = (members(each.network) for each in (fresh, forgetting))
    for layer, names in reversed(_layers(next(iter(new.values())))):
        for member, name in product(new, names):
            weights = new[member].get_submodule(name).state_dict()
            old[member].get_submodule(name).load_state_dict(weights)
        yield layer, forgetting


def _layers(network: nn.Module) -> list[tuple[str, list[str]]]:
    """Names of the layers, and of their parts: normalisation goes with the weights before it."""
    layers: list[tuple[str, list[str]]] = []
    leading: list[str] = []  # normalisation with no weights before it
    for name, part in network.named_children():
        dimensions = [weight.ndim for weight in part.parameters()]
        if dimensions and max(dimensions) > 1:
            layers.append((name, [name] if layers else [*leading, name]))
        elif dimensions:
            (layers[-1][1] if layers else leading).append(name)
    return layers


def correlate_ranks(first: Maps, second: Maps) -> NDArray[np.float64]:
    """Spearman's correlation of the pixels of each pair of maps, (N,); 0 where one is constant."""
    one, other = (
        pd.DataFrame(maps.reshape(len(maps), -1)).rank(axis=1) for maps in (first, second)
    )
    return np.asarray(one.corrwith(other, axis=1).fillna(0), np.float64)
