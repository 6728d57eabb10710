"""Convolutional networks of published coursework reports, layer by layer as their tables list them.

All convolutions are 3x3 and keep the side unless they say otherwise. Where a report prints neither
a layer nor a rate the docstring says `inferred`: the layers by the parameter counts that it does
print, which leave no other choice; the rates of dropout as common ones.
"""

from torch import nn

from pipeline.networks.layers import (
    Layer,
    classify,
    conv,
    dense,
    drop,
    flatten,
    leaky,
    norm,
    pool,
    relu,
    stack,
    torch_norm,
)


def vgg_cnn() -> nn.Module:
    """Pairs of convolutions to 512 channels and a wide head; 8.1 M, inferred from its counts."""
    return stack(
        *_conv_norm(64), *_conv_norm(64), pool(),
        *_conv_norm(128), *_conv_norm(128), pool(), drop(0.2),
        *_conv_norm(256), *_conv_norm(256), pool(), drop(0.25),
        *_conv_norm(512), pool(), drop(0.25),
        flatten(),
        dense(1024), norm(), relu(), drop(0.45),
        dense(1024), norm(), relu(), drop(0.45),
        classify(),
    )  # fmt: skip


def triple_cnn() -> nn.Module:
    """Three convolutions between pools, 0.8 M; its head and dropout are inferred."""
    return stack(
        *_conv_norm(32), *_conv_norm(32), *_conv_norm(32), pool(), drop(0.25),
        *_conv_norm(64), *_conv_norm(64), *_conv_norm(64), pool(), drop(0.25),
        *_conv_norm(128), *_conv_norm(128), *_conv_norm(128), pool(), drop(0.25),
        flatten(),
        dense(64), relu(), norm(), drop(0.25),
        dense(64), relu(), drop(0.25),
        dense(64), relu(), norm(),
        classify(),
    )  # fmt: skip


def two_by_two_cnn() -> nn.Module:
    """Four convolutions with 2x2 kernels and batch normalisation around everything, 2.7 M."""
    return stack(
        norm(),
        *_conv_norm(32, kernel=2), *_conv_norm(32, kernel=2), pool(), norm(),
        *_conv_norm(32, kernel=2), *_conv_norm(32, kernel=2), pool(), norm(),
        flatten(), norm(), drop(0.5),
        dense(512), relu(), dense(512), relu(), norm(),
        classify(),
    )  # fmt: skip


def wide_cnn() -> nn.Module:
    """Four convolutions to 511 channels before a head of 73,584 features: 39.8 M."""
    return stack(
        norm(),
        *_conv_norm(63), *_conv_norm(127), pool(), norm(),
        *_conv_norm(255), *_conv_norm(511), pool(), norm(),
        flatten(), norm(), drop(0.5),
        dense(512), relu(), dense(512), relu(), norm(), drop(0.5),
        classify(),
    )  # fmt: skip


def vgg16_cnn() -> nn.Module:
    """The 13 convolutions of VGG16 (arXiv:1409.1556), batch normalisation everywhere: 16.3 M."""
    return stack(
        norm(),
        *_conv_norm(64), *_conv_norm(64), pool(), norm(),
        *_conv_norm(128), *_conv_norm(128), pool(), norm(),
        *_conv_norm(256), *_conv_norm(256), *_conv_norm(256), pool(), norm(),
        *_conv_norm(512), *_conv_norm(512), *_conv_norm(512), pool(), norm(),
        *_conv_norm(512), *_conv_norm(512), *_conv_norm(512), pool(ceil=True), norm(),
        flatten(), norm(), drop(0.5),
        dense(512), relu(), dense(512), relu(), norm(), dense(512), relu(), norm(),
        classify(),
    )  # fmt: skip


def leaky_cnn() -> nn.Module:
    """Four convolutions with leaky ReLU, the first 5x5; normalised after the activation: 0.5 M."""
    return stack(
        conv(32, kernel=5), leaky(0.05), pool(),
        conv(64), leaky(0.05), pool(),
        conv(128), leaky(0.05), torch_norm(), pool(),
        conv(128), leaky(0.05), torch_norm(), pool(),
        flatten(),
        dense(256), relu(), torch_norm(),
        classify(),
    )  # fmt: skip


def plain_cnn() -> nn.Module:
    """Three convolutions and nothing to help them, 0.8 M."""
    return stack(
        conv(64), relu(), pool(),
        conv(128), relu(), pool(),
        conv(512), relu(), pool(),
        flatten(), classify(),
    )  # fmt: skip


def plain_norm_cnn() -> nn.Module:
    """`plain-cnn` with batch normalisation after each convolution, for ablations."""
    return stack(
        conv(64), torch_norm(), relu(), pool(),
        conv(128), torch_norm(), relu(), pool(),
        conv(512), torch_norm(), relu(), pool(),
        flatten(), classify(),
    )  # fmt: skip


def _conv_norm(channels: int, kernel: int = 3) -> list[Layer]:
    return [conv(channels, kernel), relu(), norm()]
