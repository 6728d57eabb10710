"""The study's network for accuracy on two cores: pairs of convolutions, a maximum after each."""

from collections import OrderedDict

from torch import nn

from pipeline.models.layers import CLASSES
from pipeline.models.residual import convolution


def paired_cnn() -> nn.Module:
    """Four pairs of 3x3 convolutions, each before a maximum over 2x2 pixels; 1.2 M parameters.

    As in VGG (Simonyan & Zisserman 2014, arXiv:1409.1556), with batch normalisation and the mean
    over what is left in place of its wide head. It has the size of `compact-cnn` and a fifth more
    multiplications, as its first pair sees all 48x48 pixels; for as many training faces named
    rightly, it names a point more of the others (benchmarks/TRIED.md).
    """
    return nn.Sequential(
        OrderedDict(
            pair1=_pair(1, 32),
            pair2=_pair(32, 64),
            pair3=_pair(64, 128),
            pair4=_pair(128, 256),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(0.3),
            classify=nn.Linear(256, CLASSES),
        )
    )


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            first=convolution(inputs, outputs),
            second=convolution(outputs, outputs),
            maximum=nn.MaxPool2d(2),
        )
    )
