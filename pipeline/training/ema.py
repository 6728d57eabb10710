"""Weight averaging: a slow copy of the model that is steadier than the last step."""

import copy

import torch
from torch import Tensor, nn


class AveragedModel:
    """An exponential moving average of all weights and BatchNorm statistics.

    The decay starts low and grows to its final value, so that a short training is not averaged
    with its own random start (as TensorFlow's ExponentialMovingAverage does with `num_updates`).

    Args:
        model: the model that is trained; copied, not kept.
        decay: the share of the old average that a step keeps; 0 follows the model exactly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._pairs: tuple[list[Tensor], list[Tensor]] | None = None

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step, counted from 0; of the same model each time."""
        if self._pairs is None:  # to list them anew would take as long as to average them
            averages, values = self.model.state_dict().values(), model.state_dict().values()
            self._pairs = list(averages), list(values)
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        mine: list[Tensor] = []
        theirs: list[Tensor] = []
        for average, value in zip(*self._pairs, strict=True):
            if average.is_floating_point():
                mine.append(average)
                theirs.append(value)
            else:
                average.copy_(value)
        torch._foreach_lerp_(mine, theirs, 1 - decay)
