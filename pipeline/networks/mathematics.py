"""What three layers do, as formulae that can be checked against them.

Torch differentiates by itself and needs none of these: they are here for readers, in plain numpy,
and the tests hold them against torch.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def output_size(
    size: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil: bool = False,
) -> int:
    """Side of the maps that a convolution or a pooling layer makes of maps of side `size`.

    A kernel, its weights `dilation` pixels apart, spans `dilation * (kernel - 1) + 1` pixels. A
    side with `padding` pixels more at either end has `size + 2 * padding - span + 1` places for
    it, of which every `stride`-th is used:

        floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1

    With `ceil` it is rounded up, as pooling can: the last window may hang over the edge, but may
    not begin in the padding behind it.

    Raises:
        ValueError: the kernel does not fit once.
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError(f"a kernel of {kernel} does not fit into {size} pixels")
    steps = -(-room // stride) if ceil else room // stride
    if ceil and steps * stride >= size + padding:
        steps -= 1
    return steps + 1


def batch_norm_gradient(
    inputs: Array, upstream: Array, weight: Array, eps: float
) -> tuple[Array, Array, Array]:
    """Gradients of batch normalisation in training (Ioffe and Szegedy 2015, arXiv:1502.03167).

    Forward, over the m values of a channel: `x̂ = (x - mean) / sqrt(variance + eps)` and
    `y = weight * x̂ + bias`, of inputs x (N, C) or (N, C, H, W) and weights (C,). Mean and variance
    depend on every x, which takes two parts out of the upstream gradient g = dL/dy, the one that
    would move the mean and the one that would stretch the deviation:

        dL/dx = weight / sqrt(variance + eps) * (g - mean(g) - x̂ * mean(g * x̂))

    Returns:
        dL/dx of the shape of the inputs, dL/dweight = sum(g * x̂) and dL/dbias = sum(g), (C,).
    """
    over = tuple(axis for axis in range(inputs.ndim) if axis != 1)
    shape = (1, -1, *(1,) * (inputs.ndim - 2))
    centred = inputs - inputs.mean(over, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(over, keepdims=True) + eps)
    normal = centred / deviation
    moved = upstream.mean(over, keepdims=True)
    stretched = normal * (upstream * normal).mean(over, keepdims=True)
    d_inputs = weight.reshape(shape) / deviation * (upstream - moved - stretched)
    return d_inputs, (upstream * normal).sum(over), upstream.sum(over)


def cross_entropy_gradient(logits: Array, labels: NDArray[np.integer]) -> Array:
    """Gradient of the mean cross-entropy of a softmax by the logits z (N, classes); rows sum to 0.

    With `p = softmax(z)` the loss of a face is `-log p[y] = log(sum(exp z)) - z[y]`, where y (N,)
    are the true classes; its derivative by `z[k]` is `p[k]`, less 1 where k is the true one:

        dL/dz = (softmax(z) - onehot(y)) / N
    """
    gradient = softmax(logits)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)


def softmax(logits: Array) -> Array:
    """Probabilities of logits (N, classes): `exp(z) / sum(exp z)`, safe for large ones."""
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares
