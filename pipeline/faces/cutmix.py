"""Mixing: a part of a training face is replaced by the same part of another one."""

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.masks import random_squares

SMALLEST, LARGEST = 0.15, 0.5
"""Of a face's area, what the square has that shows the other face, before borders cut it."""


def cutmix(
    faces: Tensor, labels: Tensor, share: float, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """CutMix (Yun et al. 2019, arXiv:1905.04899): labels are shared out as the area is.

    Args:
        faces: (N, 1, 48, 48), on any device.
        labels: int64 (N,), on the same device.
        share: of the faces, how many get a square of another face of the batch.
        generator: on the same device; the only source of chance.

    Returns:
        A new batch of the same shape, and the probability of each expression, (N, 7).
    """
    others = torch.randperm(len(faces), generator=generator, device=faces.device)
    side = faces.shape[-1]
    chosen, size = torch.rand((2, len(faces)), generator=generator, device=faces.device)
    half = (SMALLEST + (LARGEST - SMALLEST) * size).sqrt() * side / 2
    shows_other = random_squares(half.unsqueeze(1), chosen < share, side, generator)
    part = shows_other.float().mean(dim=(1, 2, 3)).unsqueeze(1)
    certain = functional.one_hot(labels, len(EXPRESSIONS)).float()
    mixed = torch.where(shows_other, faces[others], faces)
    return mixed, (1 - part) * certain + part * certain[others]
