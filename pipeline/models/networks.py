"""The registry: every network by name, each a short list of layers.

A network takes normalised faces (N, 1, 48, 48) and gives logits (N, 7), one for each expression.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from pipeline.data.expressions import EXPRESSIONS, PIXELS
from pipeline.errors import UserError

CLASSES = len(EXPRESSIONS)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A same-size (or strided) convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2015, arXiv:1512.03385).

    A strided block averages before its 1x1 shortcut (ResNet-D, arXiv:1812.01187): a strided 1x1
    convolution would throw three of four pixels away.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, stride=stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H/stride, W/stride)."""
        output: Tensor = self.relu(self.second(self.first(inputs)) + self.shortcut(inputs))
        return output


def compact_cnn(dropout: float) -> nn.Module:
    """The study's own CNN: a strided stem and three residual blocks, 1.2 M parameters.

    The stem halves the side at once, so no layer works on 48x48 maps with many channels: there
    a convolution is bound by memory, not by arithmetic.
    """
    return nn.Sequential(
        OrderedDict(
            stem=convolution(1, 32, stride=2),
            block1=Residual(32, 64),
            block2=Residual(64, 128, stride=2),
            block3=Residual(128, 256, stride=2),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            classify=nn.Linear(256, CLASSES),
        )
    )


def dense_dnn(dropout: float) -> nn.Module:
    """A plain network of dense layers over the pixels, 0.8 M parameters: the CNN's opponent."""
    widths = (PIXELS, 300, 160, 64)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        layers[f"dense{number}"] = nn.Linear(inputs, outputs, bias=False)
        layers[f"norm{number}"] = nn.BatchNorm1d(outputs)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"dropout{number}"] = nn.Dropout(dropout)
    layers["classify"] = nn.Linear(widths[-1], CLASSES)
    return nn.Sequential(layers)


NETWORKS: dict[str, Callable[[float], nn.Module]] = {
    "compact-cnn": compact_cnn,
    "dense-dnn": dense_dnn,
}


def build_network(name: str, dropout: float) -> nn.Module:
    """Make a freshly initialised network.

    Weights follow He et al. 2015 (arXiv:1502.01852): with PyTorch's default a small residual net
    stays at the majority class for epochs on these faces.

    Raises:
        UserError: no network has this name.
    """
    if name not in NETWORKS:
        raise UserError(f"network {name!r} is not known; choose one of: {', '.join(NETWORKS)}")
    network = NETWORKS[name](dropout)
    initialise(network)
    return network


def initialise(network: nn.Module) -> None:
    """Kaiming initialisation in place; biases zero, and class scores that start near zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            if layer.out_features == CLASSES:
                # Large first logits cost an epoch of unlearning what chance said.
                nn.init.normal_(layer.weight, std=0.01)
            else:
                nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def convolutions(network: nn.Module) -> list[str]:
    """Names of the layers that have filters to look at, from the input on."""
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]


def count_parameters(network: nn.Module) -> int:
    """Numbers that training changes: weights and biases, without BatchNorm's statistics."""
    return sum(parameter.numel() for parameter in network.parameters())
