"""Networks of dense layers over the pixels; each can be made wider or narrower as a whole."""

from torch import nn

from pipeline.networks.layers import (
    Layer,
    average,
    classify,
    dense,
    drop,
    flatten,
    norm,
    relu,
    stack,
    torch_norm,
)


def dense_dnn(width: float = 1.0) -> nn.Module:
    """The study's own DNN: three layers, 0.7 M.

    The face is halved first. Neighbouring pixels say nearly the same, and at 48x48 the first layer
    would spend most of the weights on them.
    """
    hidden: list[Layer] = []
    for features in _scaled((512, 512, 320), width):
        hidden += [dense(features, bias=False), torch_norm(), relu(), drop(0.2)]
    return stack(average(), flatten(), *hidden, classify())


def deep_dnn(width: float = 1.0) -> nn.Module:
    """Thirteen layers that narrow to 16 features, 6.6 M."""
    widths = (1288, 1024, 784, 666, 512, 512, 384, 256, 256, 128, 64, 32, 16)
    return _relu_norm(widths, width, (0.3, *7 * [0.2], *5 * [0.3]))


def small_dnn(width: float = 1.0) -> nn.Module:
    """Three layers, 0.2 M; widths and dropout inferred."""
    return _relu_norm((64, 256, 128), width, 3 * (0.2,))


def waist_dnn(width: float = 1.0) -> nn.Module:
    """Four layers with a waist at the second, 0.8 M; widths and dropout inferred."""
    return _relu_norm((300, 160, 250, 64), width, 4 * (0.2,))


def _relu_norm(widths: tuple[int, ...], width: float, dropout: tuple[float, ...]) -> nn.Module:
    hidden: list[Layer] = []
    for features, rate in zip(_scaled(widths, width), dropout, strict=True):
        hidden += [dense(features), relu(), norm(), drop(rate)]
    return stack(flatten(), *hidden, classify())


def _scaled(widths: tuple[int, ...], width: float) -> list[int]:
    return [max(1, round(features * width)) for features in widths]
