"""The random weights that a network starts from."""

from torch import nn

from pipeline.networks.layers import CLASSES
from pipeline.params import Initialisation


def initialise(network: nn.Module, kind: Initialisation = "kaiming") -> None:
    """Draw the weights of a freshly built network in place.

    `kaiming` is for layers before a ReLU (He et al. 2015, arXiv:1502.01852), with class scores that
    start near zero; `glorot` the uniform one of Glorot & Bengio 2010, Keras' default; both have
    biases of zero. `torch` leaves everything as torch has drawn it: weights and biases uniform up
    to 1 / sqrt(inputs).
    """
    if kind == "torch":
        return
    layers = [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    for layer in layers:
        if kind == "glorot":
            nn.init.xavier_uniform_(layer.weight)
        elif isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif layer is layers[-1] and layer.out_features == CLASSES:
            # Large first logits cost an epoch of unlearning what chance said.
            nn.init.normal_(layer.weight, std=0.01)
        else:
            nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
