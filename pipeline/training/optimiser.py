"""The optimiser; its learning rate is a function of the step, and needs no state to resume."""

import math

import torch
from torch import nn

from pipeline.params import Fit

WARM_UP = 0.15
"""Share of a one-cycle training in which the rate rises."""


def make_optimiser(model: nn.Module, settings: Fit) -> torch.optim.Optimizer:
    """The optimiser over all parameters; biases and norms are not decayed towards zero."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = settings.learning_rate
    # Fused: one kernel for all that a step does to a parameter; of a small network's step, a tenth.
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    if settings.optimiser == "adam":
        return torch.optim.Adam(groups, lr=rate, eps=settings.epsilon, fused=True)
    return torch.optim.AdamW(groups, lr=rate, eps=settings.epsilon, fused=True)


def learning_rate(settings: Fit, step: int, steps: int) -> float:
    """The rate of a step, counted from 0, of so many.

    `one_cycle` rises linearly from a 25th of the peak and falls along a cosine to nearly nothing
    (after Smith & Topin 2017, arXiv:1708.07120).
    """
    peak = settings.learning_rate
    if settings.schedule == "constant":
        return peak
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return peak * (1 + 24 * step / rising) / 25
    fall = (step - rising) / max(1, steps - rising)
    return peak * max(1e-3, (1 + math.cos(math.pi * fall)) / 2)
