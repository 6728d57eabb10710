"""The study's own residual network, and what other networks have in common with it."""

from collections import OrderedDict

from torch import Tensor, nn

from pipeline.networks.layers import CLASSES


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A same-size (or strided) convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def head(width: int, dropout: float) -> dict[str, nn.Module]:
    """From the mean over what is left of each map to the logits."""
    return {
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(dropout),
        "classify": nn.Linear(width, CLASSES),
    }


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


def compact_cnn() -> nn.Module:
    """For two cores: a strided stem and three residual blocks, 1.2 M parameters.

    The stem halves the side at once, so no layer works on 48x48 maps with many channels: there
    a convolution is bound by memory, not by arithmetic.
    """
    return nn.Sequential(
        OrderedDict(
            stem=convolution(1, 32, stride=2),
            block1=Residual(32, 64),
            block2=Residual(64, 128, stride=2),
            block3=Residual(128, 256, stride=2),
            **head(256, dropout=0.1),
        )
    )
