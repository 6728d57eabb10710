"""Weight averaging: a slow copy of the model that is steadier than the last step."""

import copy

import torch
from torch import nn


class AveragedModel:
    """An exponential moving average of all weights and BatchNorm statistics.

    The decay starts low and grows to its final value, so that a short training is not averaged
    with its own random start (as TensorFlow's ExponentialMovingAverage does with `num_updates`).

    Args:
        model: the model that is trained, whose weights change in place.
        decay: the share of the old average that a step keeps; 0 follows the model exactly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        # Listed once: to list them in every step would take as long as to average them.
        both = (each.state_dict().values() for each in (self.model, model))
        pairs = list(zip(*both, strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counted = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the model's weights after a step, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        averages, values = zip(*self._averaged, strict=True)
        torch._foreach_lerp_(averages, values, 1 - decay)
        for count, value in self._counted:
            count.copy_(value)
