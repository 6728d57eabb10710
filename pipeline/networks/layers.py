"""Layers as a report lists them: a network is a short list of these, and shapes follow.

`stack(conv(32), relu(), norm(), pool(), flatten(), classify())` is a network whose layers are
called conv1, relu1, norm1, pool1, flatten1 and classify.
"""

import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from torch import nn

from pipeline.faces.expressions import EXPRESSIONS, SIDE
from pipeline.networks.mathematics import output_size

CLASSES = len(EXPRESSIONS)

# Torch warns that an even kernel costs a padded copy, which is what is wanted.
warnings.filterwarnings("ignore", "Using padding='same' with even kernel", UserWarning)

Shape = tuple[int, ...]
"""Of one face inside a network: (channels, height, width), or (features,)."""

FACE: Shape = (1, SIDE, SIDE)


@dataclass(frozen=True)
class Layer:
    """What a layer is, before it is known what comes into it: its name begins with its kind.

    For an input shape, `build` makes the module and `after` gives the shape that comes out.
    """

    kind: str
    build: Callable[[Shape], nn.Module]
    after: Callable[[Shape], Shape] = lambda shape: shape


def stack(*layers: Layer) -> nn.Sequential:
    """Build the layers one after another, from a face on; numbered by kind."""
    shape, numbers, modules = FACE, Counter[str](), OrderedDict[str, nn.Module]()
    for layer in layers:
        numbers[layer.kind] += 1
        name = layer.kind if layer.kind == "classify" else f"{layer.kind}{numbers[layer.kind]}"
        modules[name] = layer.build(shape)
        shape = layer.after(shape)
    return nn.Sequential(modules)


def conv(channels: int, kernel: int = 3) -> Layer:
    """A convolution that keeps the side, with a bias.

    An even kernel pads more behind than before, as Keras does; `padding=kernel // 2` would make
    the maps one pixel larger.
    """
    return Layer(
        "conv",
        lambda shape: nn.Conv2d(shape[0], channels, kernel, padding="same"),
        lambda shape: (channels, *shape[1:]),
    )


def pool(*, ceil: bool = False) -> Layer:
    """Maximum over 2x2 pixels; with `ceil` an odd side is rounded up (Keras' `same`), else down."""
    return Layer(
        "pool",
        lambda _: nn.MaxPool2d(2, ceil_mode=ceil),
        lambda shape: _halved(shape, ceil=ceil),
    )


def average() -> Layer:
    """Mean over 2x2 pixels."""
    return Layer("average", lambda _: nn.AvgPool2d(2), _halved)


def _halved(shape: Shape, *, ceil: bool = False) -> Shape:
    return (shape[0], *(output_size(side, 2, stride=2, ceil=ceil) for side in shape[1:]))


def dense(width: int, *, bias: bool = True) -> Layer:
    """A linear map of all features."""
    return Layer("dense", lambda shape: nn.Linear(shape[0], width, bias=bias), lambda _: (width,))


def classify() -> Layer:
    """A linear map to one logit for each expression."""
    return Layer("classify", lambda shape: nn.Linear(shape[0], CLASSES), lambda _: (CLASSES,))


def flatten() -> Layer:
    """Maps to one row of features."""
    return Layer("flatten", lambda _: nn.Flatten(), lambda shape: (prod(shape),))


def norm(eps: float = 1e-3, momentum: float = 0.01) -> Layer:
    """Batch normalisation, with Keras' constants (whose momentum 0.99 is PyTorch's 0.01)."""
    return Layer(
        "norm",
        lambda shape: (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(
            shape[0], eps, momentum
        ),
    )


def torch_norm() -> Layer:
    """Batch normalisation with PyTorch's constants."""
    return norm(eps=1e-5, momentum=0.1)


def relu() -> Layer:
    """Negative values to zero."""
    return Layer("relu", lambda _: nn.ReLU())


def leaky(slope: float) -> Layer:
    """Negative values to a small share of themselves."""
    return Layer("leaky", lambda _: nn.LeakyReLU(slope))


def drop(rate: float) -> Layer:
    """Dropout in training; nothing otherwise."""
    return Layer("dropout", lambda _: nn.Dropout(rate))
