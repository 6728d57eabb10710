"""Augmentation: a few tensor operations on a whole batch, never a loop over faces."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.faces.masks import fill_with_mean, random_squares
from pipeline.params import Augmentation


def augment(
    faces: Tensor, settings: Augmentation, *, mirrored: Tensor, generator: torch.Generator
) -> Tensor:
    """Turn, move, scale, mirror, re-light and cover faces at random, each on its own.

    Args:
        faces: (N, 1, 48, 48) floating grey levels, on any device.
        settings: how much of each change.
        mirrored: bool (N,), which faces to mirror (`flips` decides).
        generator: on the same device as the faces; the only source of chance.

    Returns:
        A new batch of the same shape; pixels from outside repeat the border.
    """
    if settings.rotation or settings.shift or settings.zoom or settings.shear or mirrored.any():
        faces = _warp(faces, settings, mirrored, generator)
    if settings.contrast:
        faces = _relight(faces, settings.contrast, generator)
    if settings.random_erasing:
        faces = _random_erasing(faces, settings.random_erasing, generator)
    return faces


def flips(
    indices: Tensor, epoch: int, settings: Augmentation, seed: int, generator: torch.Generator
) -> Tensor:
    """Which faces to mirror in an epoch: bool (N,).

    `alternating` draws a side for each face once and then changes sides every epoch, so that two
    successive epochs always show both; drawing anew each time repeats half of them (Jordan 2024,
    arXiv:2404.00498).

    Args:
        indices: position of each face in the training set, (N,).
        epoch: counted from 0.
        settings: holds the kind of flip.
        seed: decides the first side of a face.
        generator: for `random`.
    """
    if settings.flip == "none":
        return torch.zeros_like(indices, dtype=torch.bool)
    if settings.flip == "random":
        return torch.rand(len(indices), generator=generator, device=indices.device) < 0.5
    # A fair coin for each face without a table of coins: the bits of its number, mixed twice. A
    # single product leaves neighbours alike.
    mixed = indices + seed * 7919 + 1
    for _ in range(2):
        mixed = ((mixed >> 16 ^ mixed) * 0x45D9F3B) & 0xFFFFFFFF
    return (((mixed >> 16 ^ mixed) + epoch) % 2).bool()


def _uniform(count: int, bound: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=generator, device=generator.device) * 2 - 1) * bound


def _warp(faces: Tensor, settings: Augmentation, mirrored: Tensor, rng: torch.Generator) -> Tensor:
    count = len(faces)
    angle = _uniform(count, math.radians(settings.rotation), rng)
    zooms = settings.zoom if isinstance(settings.zoom, list) else [settings.zoom]
    scales = [1 + _uniform(count, zoom, rng) for zoom in zooms]
    wider, higher = scales[0], scales[-1]
    shear = _uniform(count, settings.shear, rng)
    across, down = (_uniform(count, 2 * settings.shift, rng) for _ in range(2))
    side = torch.where(mirrored, -1.0, 1.0)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # Rows of the map from output to input coordinates, both in -1..1.
    first = (side * wider * cosine, side * higher * (shear * cosine - sine), across)
    second = (wider * sine, higher * (shear * sine + cosine), down)
    grid = affine_grid(first, second, faces.shape[-1])
    return functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def affine_grid(first: Sequence[Tensor], second: Sequence[Tensor], side: int) -> Tensor:
    """Where each pixel of the output is taken from: (N, side, side, 2).

    As `functional.affine_grid` has it from the rows of a matrix for each face, but that multiplies
    matrices of three columns, which takes seven times as long as a sum of two vectors.
    """
    places = (torch.arange(side, device=first[0].device) * 2 + 1) / side - 1
    grid = torch.empty(len(first[0]), side, side, 2, device=places.device)
    for number, (across, down, constant) in enumerate((first, second)):
        column = down[:, None] * places + constant[:, None]
        torch.add((across[:, None] * places)[:, None], column[:, :, None], out=grid[..., number])
    return grid


def _relight(faces: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    shape = (len(faces), 1, 1, 1)
    contrast = 1 + _uniform(len(faces), amount, generator).view(shape)
    brightness = _uniform(len(faces), 127 * amount, generator).view(shape)
    mean = faces.mean(dim=(2, 3), keepdim=True)
    return ((faces - mean) * contrast + mean + brightness).clamp(0, 255)


def _random_erasing(faces: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Cover a square of a third of the side, in this share of the faces, with the face's mean."""
    side = faces.shape[-1]
    chosen = torch.rand(len(faces), generator=generator, device=faces.device) < share
    return fill_with_mean(faces, random_squares(side / 6, chosen, side, generator))
