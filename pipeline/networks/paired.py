"""The study's networks for accuracy: pairs of convolutions, a maximum after each pair."""

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from pipeline.networks.residual import convolution, head


def paired_cnn() -> nn.Module:
    """For two cores: four pairs of 3x3 convolutions, 1.2 M parameters.

    As in VGG (Simonyan & Zisserman 2014, arXiv:1409.1556), with batch normalisation and the mean
    over what is left in place of its wide head. It has the size of `compact-cnn` and a fifth more
    multiplications, as its first pair sees all 48x48 pixels; for as many training faces named
    rightly, it names a point more of the others (benchmarks/TRIED.md).
    """
    return nn.Sequential(OrderedDict(**_pairs((1, 32, 64, 128, 256)), **head(256, dropout=0.3)))


def slim_paired_cnn() -> nn.Module:
    """For minutes on two ordinary cores: 0.2 M parameters, an eighth of the operations.

    A stem of stride 2 in place of the first pair: on maps of 48x48 pixels, which do not fit into a
    cache, even a pair of 8 channels takes longer than all that follows it. What that saves goes
    into more passes.
    """
    return nn.Sequential(
        OrderedDict(
            stem=convolution(1, 16, kernel=5, stride=2),
            **_pairs((16, 24, 48, 96)),
            **head(96, dropout=0.1),
        )
    )


def wide_paired_cnn() -> nn.Module:
    """For a GPU: three times as wide, 10.5 M parameters.

    So many learn training faces by heart. Whole channels left out at random after each pair
    (Tompson et al. 2014, arXiv:1411.4280) put that off.
    """
    pairs = _pairs((1, 96, 192, 384, 768), channel_dropout=0.1)
    return nn.Sequential(OrderedDict(**pairs, **head(768, dropout=0.4)))


def _pairs(widths: tuple[int, ...], channel_dropout: float = 0.0) -> dict[str, nn.Module]:
    """Pairs from each width to the next."""
    return {
        f"pair{number}": _pair(inputs, outputs, channel_dropout)
        for number, (inputs, outputs) in enumerate(pairwise(widths), start=1)
    }


def _pair(inputs: int, outputs: int, channel_dropout: float) -> nn.Sequential:
    layers = OrderedDict[str, nn.Module](
        first=convolution(inputs, outputs),
        second=convolution(outputs, outputs),
        maximum=nn.MaxPool2d(2),
    )
    if channel_dropout:
        layers["dropout"] = nn.Dropout2d(channel_dropout)
    return nn.Sequential(layers)
