"""The registry: every network by name, and how one is made.

A network takes normalised faces (N, 1, 48, 48) and gives logits (N, 7), one for each expression.
"""

from collections.abc import Callable

from torch import nn

from pipeline.errors import UserError
from pipeline.networks import convolutional, dense
from pipeline.networks.ensemble import Ensemble
from pipeline.networks.initialisation import initialise
from pipeline.networks.paired import paired_cnn, slim_paired_cnn, wide_paired_cnn
from pipeline.networks.residual import compact_cnn
from pipeline.params import Dropout, Initialisation

CONVOLUTIONAL: dict[str, Callable[[], nn.Module]] = {
    "compact-cnn": compact_cnn,
    "paired-cnn": paired_cnn,
    "slim-paired-cnn": slim_paired_cnn,
    "wide-paired-cnn": wide_paired_cnn,
    "vgg-cnn": convolutional.vgg_cnn,
    "triple-cnn": convolutional.triple_cnn,
    "two-by-two-cnn": convolutional.two_by_two_cnn,
    "wide-cnn": convolutional.wide_cnn,
    "vgg16-cnn": convolutional.vgg16_cnn,
    "leaky-cnn": convolutional.leaky_cnn,
    "plain-cnn": convolutional.plain_cnn,
    "plain-norm-cnn": convolutional.plain_norm_cnn,
}

DENSE: dict[str, Callable[[float], nn.Module]] = {
    "dense-dnn": dense.dense_dnn,
    "deep-dnn": dense.deep_dnn,
    "small-dnn": dense.small_dnn,
    "waist-dnn": dense.waist_dnn,
}
"""These take a factor by which all their hidden layers are wider."""

NETWORKS = [*CONVOLUTIONAL, *DENSE]


def build_network(
    name: str,
    dropout: Dropout = "own",
    width: float = 1.0,
    members: int = 1,
    initialisation: Initialisation = "kaiming",
) -> nn.Module:
    """Make a freshly initialised network, or an ensemble of several.

    `pipeline.networks.classifier.Architecture` says what the arguments are. Layers that leave out
    whole channels keep the dropout of their design: at the rates of single units they would leave
    too little. A network of convolutions has no `width`.

    Raises:
        UserError: no network has this name.
    """
    if members > 1:
        alone = (name, dropout, width, 1, initialisation)
        return Ensemble([build_network(*alone) for _ in range(members)])
    if name in DENSE:
        network = DENSE[name](width)
    elif name in CONVOLUTIONAL:
        network = CONVOLUTIONAL[name]()
    else:
        raise UserError(f"network {name!r} is not known; choose one of: {', '.join(NETWORKS)}")
    if dropout != "own":
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = dropout
    initialise(network, initialisation)
    return network


def convolutions(network: nn.Module) -> list[str]:
    """Names of the layers that have filters to look at, from the input on."""
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]


def count_parameters(network: nn.Module) -> int:
    """Numbers that training changes: weights and biases, without BatchNorm's statistics."""
    return sum(parameter.numel() for parameter in network.parameters())
