"""Squares of a face: what is covered, shows another face, or is hidden from an autoencoder."""

import torch
from torch import Tensor

PATCH = 6
"""Side of the squares of a grid over a face, in pixels."""


def random_squares(
    half: float | Tensor, chosen: Tensor, side: int, generator: torch.Generator
) -> Tensor:
    """One square a face, around a random pixel; the border may cut it.

    Args:
        half: of each square's side, in pixels: one for all, or (N, 1).
        chosen: bool (N,), which faces have one at all.
        side: of a face, in pixels.
        generator: on the device of `chosen`; the only source of chance.

    Returns:
        Which pixels lie inside: bool (N, 1, side, side).
    """
    centre = torch.rand((2, len(chosen), 1), generator=generator, device=chosen.device) * side
    line = torch.arange(side, device=chosen.device)
    rows, columns = (torch.abs(line - centre[axis]) < half for axis in range(2))
    inside = rows.unsqueeze(2) & columns.unsqueeze(1) & chosen.view(-1, 1, 1)
    return inside.unsqueeze(1)


def random_patches(faces: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Some squares of a grid, each by itself with this chance.

    Args:
        faces: (N, 1, side, side), with a side that is a multiple of `PATCH`.
        share: of the squares.
        generator: on the device of the faces; the only source of chance.

    Returns:
        Which pixels lie inside: bool, of the shape of the faces.
    """
    shape = (len(faces), 1, *(side // PATCH for side in faces.shape[-2:]))
    chosen = torch.rand(shape, generator=generator, device=faces.device) < share
    return chosen.repeat_interleave(PATCH, dim=2).repeat_interleave(PATCH, dim=3)


def fill_with_mean(faces: Tensor, inside: Tensor) -> Tensor:
    """Faces (N, 1, side, side) whose pixels inside (bool, likewise) have the face's mean."""
    return torch.where(inside, faces.mean(dim=(2, 3), keepdim=True), faces)
