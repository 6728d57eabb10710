"""Where a model's weights lie, and in which order."""

import torch
from torch import nn


def to_device(model: nn.Module, device: torch.device | str) -> None:
    """Move a model, in place, in the layout that convolutions are fastest in.

    With the channels of a pixel side by side (`channels_last`) `compact-cnn` trains a
    quarter faster on a CPU, and CUDA's bfloat16 convolutions need no transposition.
    """
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
