"""The formulae against torch's own layers and its automatic differentiation."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from pipeline.networks.mathematics import batch_norm_gradient, cross_entropy_gradient, output_size

numbers = st.integers
seeds = st.integers(0, 2**31 - 1)


@given(numbers(1, 60), numbers(1, 7), numbers(1, 4), numbers(0, 4), numbers(1, 3), st.booleans())
def test_output_size_is_that_of_the_layers(size, kernel, stride, padding, dilation, ceil):
    assume(size + 2 * padding - dilation * (kernel - 1) - 1 >= 0)
    faces, shape = torch.empty(1, 1, size, size, device="meta"), {"padding": padding}
    layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation, device="meta")
    found = output_size(size, kernel, stride=stride, dilation=dilation, **shape)
    assert layer(faces).shape[-2:] == (found, found)
    assume(padding <= kernel // 2)
    pool = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
    found = output_size(size, kernel, stride=stride, dilation=dilation, ceil=ceil, **shape)
    assert pool(faces).shape[-2:] == (found, found)


def test_a_kernel_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="kernel of 5 does not fit into 3 pixels"):
        output_size(3, 5)


@given(seeds, numbers(2, 9), numbers(1, 5), st.sampled_from([(), (1, 1), (3, 4)]))
def test_batch_norm_gradient_is_that_of_the_layer(seed, faces, channels, sides):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    inputs = (3 * draw(faces, channels, *sides) + 2).requires_grad_()
    layer = (nn.BatchNorm2d if sides else nn.BatchNorm1d)(channels, eps=1e-3).double()
    layer.weight.data, layer.bias.data = draw(channels), draw(channels)
    upstream = draw(*inputs.shape)
    layer(inputs).backward(upstream)
    weight = layer.weight.detach().numpy()
    found = batch_norm_gradient(inputs.detach().numpy(), upstream.numpy(), weight, 1e-3)
    for ours, theirs in zip(found, (inputs.grad, layer.weight.grad, layer.bias.grad), strict=True):
        assert np.allclose(ours, theirs.numpy(), atol=1e-9)


@given(seeds, numbers(1, 9), numbers(2, 8), st.floats(0.1, 30))
def test_cross_entropy_gradient_is_that_of_the_loss(seed, faces, classes, scale):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(faces, classes, generator=generator, dtype=torch.float64) * scale
    labels = torch.randint(classes, (faces,), generator=generator)
    logits.requires_grad_()
    functional.cross_entropy(logits, labels).backward()
    found = cross_entropy_gradient(logits.detach().numpy(), labels.numpy())
    assert np.allclose(found, logits.grad.numpy(), atol=1e-12)
    assert np.abs(found.sum(axis=1)).max() < 1e-12
