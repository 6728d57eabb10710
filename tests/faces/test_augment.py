from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from pipeline.errors import UserError
from pipeline.faces.augment import affine_grid, augment, flips
from pipeline.faces.cutmix import cutmix
from pipeline.networks.normalise import Normalise
from pipeline.params import Augmentation, Normalisation, parse
from pipeline.sample.drawing.photograph import draw_faces

NOTHING = Augmentation(
    flip="none", rotation=0.0, shift=0.0, zoom=0.0, shear=0.0, contrast=0.0, random_erasing=0.0
)


@pytest.fixture
def faces():
    return torch.rand(16, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 255


def changed(faces, mirrored=None, **settings):
    nobody = torch.zeros(len(faces), dtype=torch.bool)
    return augment(
        faces,
        NOTHING.model_copy(update=settings),
        mirrored=nobody if mirrored is None else mirrored,
        generator=torch.Generator().manual_seed(1),
    )


def test_nothing_asked_changes_nothing_and_mirroring_is_exact_where_asked(faces):
    assert torch.equal(changed(faces), faces)
    mirrored = torch.arange(16) % 2 == 0
    result = changed(faces, mirrored)
    assert torch.allclose(result[mirrored], faces[mirrored].flip(-1), atol=0.01)
    assert torch.allclose(result[~mirrored], faces[~mirrored], atol=0.01)


STRENGTHS = {
    "rotation": 10.0, "shift": 0.08, "zoom": 0.1, "shear": 0.1, "contrast": 0.2,
    "random_erasing": 0.5,
}  # fmt: skip
"""Of all changes but mirroring, about as the study has them."""


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
@pytest.mark.parametrize("name", STRENGTHS)
def test_no_normalisation_undoes_a_change_that_is_allowed_with_it(name, normalisation, params):
    assert {*STRENGTHS, "flip"} == {*Augmentation.model_fields}
    people = draw_faces(np.arange(28) % 7, np.ones(28, np.float32), np.random.default_rng(0))
    faces = torch.from_numpy(people.pixels).unsqueeze(1).float()
    normalise = Normalise(normalisation, float(faces.mean()), float(faces.std()))
    before, after = normalise(faces), normalise(changed(faces, **{name: STRENGTHS[name]}))
    moved = (after - before).square().mean().sqrt() / before.std()

    values = params.model_dump()
    values["train"]["cnn"]["normalisation"] = normalisation
    values["train"]["cnn"]["augmentation"][name] = STRENGTHS[name]
    if moved > 0.1:  # of the inputs' standard deviation
        parse(values)
    else:
        with pytest.raises(UserError, match=f"train.cnn.augmentation.{name} = .*must be 0 with"):
            parse(values)


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_change_changes_every_face_in_its_own_way_within_the_grey_range(faces, name):
    same = faces[:1].repeat(16, 1, 1, 1)
    result = changed(same, **{name: 2 * STRENGTHS[name]})
    assert result.shape == same.shape
    assert result.min() >= 0
    assert result.max() <= 255.001
    assert all(not torch.equal(result[k], same[k]) for k in range(16))
    assert all(not torch.equal(result[k], result[0]) for k in range(1, 16))


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))
def test_pixels_are_taken_from_where_torch_takes_them(count, side, seed):
    matrices = torch.randn(count, 2, 3, generator=torch.Generator().manual_seed(seed))
    expected = functional.affine_grid(matrices, [count, 1, side, side], align_corners=False)
    first, second = matrices.unbind(dim=1)
    assert torch.allclose(affine_grid(first.T, second.T, side), expected, atol=1e-5)


def test_a_shift_moves_by_at_most_its_share():
    dot = torch.zeros(64, 1, 48, 48)
    dot[:, :, 24, 24] = 255
    moved = changed(dot, shift=0.1)
    rows, columns = moved.sum(dim=(1, 3)).argmax(dim=1), moved.sum(dim=(1, 2)).argmax(dim=1)
    furthest = max(int((rows - 24).abs().max()), int((columns - 24).abs().max()))
    assert 3 <= furthest <= 5  # a tenth of 48 pixels


@pytest.mark.parametrize(
    ("zoom", "wide", "high", "alike"),
    [
        (0.3, True, True, True),
        ([0.3, 0.3], True, True, False),
        ([0.3, 0.0], True, False, False),
        ([0.0, 0.3], False, True, False),
    ],
)
def test_one_zoom_keeps_proportions_and_two_stretch_each_side_by_itself(zoom, wide, high, alike):
    square = torch.zeros(32, 1, 48, 48)
    square[:, :, 16:32, 16:32] = 255
    result = changed(square, zoom=zoom) / 255
    middle = slice(20, 28)  # lines that cross the square, however small it is
    widths, heights = result[..., middle, :].sum(3).mean(2), result[..., middle].sum(2).mean(2)
    assert bool(widths.std() > 1) is wide
    assert bool(heights.std() > 1) is high
    assert bool((widths - heights).abs().max() < 0.1) is alike


def test_the_erased_square_has_a_third_of_the_side(faces):
    assert (changed(faces, random_erasing=1.0) != faces).sum(dim=(1, 2, 3)).max() == 16 * 16


def test_flips_alternate_every_epoch_or_are_fair_or_there_are_none():
    generator = torch.Generator().manual_seed(0)

    def sides(flip, epoch=0, seed=0):
        settings = NOTHING.model_copy(update={"flip": flip})
        return flips(torch.arange(1000), epoch, settings, seed, generator)

    first, second, third = (sides("alternating", epoch) for epoch in range(3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert not torch.equal(first, sides("alternating", seed=1))
    assert 400 < int(first.sum()) < 600
    assert 400 < int(sides("random").sum()) < 600
    assert not sides("none").any()
    for seed in range(3):  # no face's coin says anything about that of its neighbours
        coins = sides("alternating", seed=seed).double() * 2 - 1
        for lag in range(1, 9):
            assert abs((coins[lag:] * coins[:-lag]).mean()) < 0.12


# CutMix


def mixed(faces, labels, share, seed=0):
    return cutmix(faces, labels, share, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 2**31 - 1), share=st.floats(0, 1), count=st.integers(2, 12))
def test_a_label_is_shared_as_the_pixels_are(seed, share, count):
    # Each face has one grey level of its own, so every pixel tells whose it is.
    levels = torch.arange(count).float() * 20
    faces = levels.view(-1, 1, 1, 1).repeat(1, 1, 48, 48)
    labels = torch.arange(count) % 7
    result, probabilities = mixed(faces, labels, share, seed)
    for face, row in zip(result, probabilities, strict=True):
        shown = torch.zeros(7)
        for label, level in zip(labels, levels, strict=True):
            shown[label] += (face == level).float().mean()
        assert torch.allclose(row, shown, atol=1e-5)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(count), atol=1e-5)


def test_as_many_faces_are_mixed_as_asked(faces):
    many, labels = faces.repeat(50, 1, 1, 1), torch.zeros(800, dtype=torch.int64)
    many += torch.arange(800).view(-1, 1, 1, 1)  # no two alike
    changed = [
        (mixed(many, labels, share)[0] != many).flatten(1).any(dim=1).float().mean()
        for share in (0.0, 0.5, 1.0)
    ]
    assert changed[0] == 0
    assert 0.44 < changed[1] < 0.56
    assert changed[2] > 0.99  # but for a face that met itself


def test_a_square_takes_about_half_of_a_face_at_most():
    black, white = torch.zeros(1, 1, 48, 48), torch.full((1, 1, 48, 48), 255.0)
    pairs, labels = torch.cat([black, white]), torch.tensor([0, 1])
    parts = (float(mixed(pairs, labels, 1.0, seed)[1][0, 1]) for seed in range(200))
    others = [part for part in parts if part]
    assert min(others) > 0.03  # in a corner, a quarter of the smallest square is left
    assert 0.3 < max(others) < 0.53
