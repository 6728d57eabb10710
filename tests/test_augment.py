import pytest
import torch

from pipeline.data.augment import augment, flips
from pipeline.params import Augmentation

NOTHING = Augmentation(
    flip="none", rotation=0.0, shift=0.0, zoom=0.0, shear=0.0, contrast=0.0, erase=0.0
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


def test_nothing_asked_nothing_changed(faces):
    assert torch.equal(changed(faces), faces)


def test_mirroring_is_exact_and_only_where_asked(faces):
    mirrored = torch.arange(16) % 2 == 0
    result = changed(faces, mirrored)
    assert torch.allclose(result[mirrored], faces[mirrored].flip(-1), atol=0.01)
    assert torch.allclose(result[~mirrored], faces[~mirrored], atol=0.01)


@pytest.mark.parametrize(
    "settings",
    [
        {"rotation": 20.0},
        {"shift": 0.1},
        {"zoom": 0.2},
        {"shear": 0.2},
        {"contrast": 0.3},
        {"erase": 1.0},
    ],
)
def test_each_change_changes_every_face_in_its_own_way_within_the_grey_range(faces, settings):
    same = faces[:1].repeat(16, 1, 1, 1)
    result = changed(same, **settings)
    assert result.shape == same.shape
    assert result.min() >= 0
    assert result.max() <= 255.001
    assert all(not torch.equal(result[k], same[k]) for k in range(16))
    assert all(not torch.equal(result[k], result[0]) for k in range(1, 16))


def test_a_shift_moves_by_at_most_its_share():
    dot = torch.zeros(64, 1, 48, 48)
    dot[:, :, 24, 24] = 255
    moved = changed(dot, shift=0.1)
    rows, columns = moved.sum(dim=(1, 3)).argmax(dim=1), moved.sum(dim=(1, 2)).argmax(dim=1)
    furthest = max(int((rows - 24).abs().max()), int((columns - 24).abs().max()))
    assert 3 <= furthest <= 5  # a tenth of 48 pixels


def test_the_erased_square_has_a_third_of_the_side(faces):
    result = changed(faces, erase=1.0)
    covered = (result != faces).sum(dim=(1, 2, 3))
    assert covered.max() == 16 * 16
    assert changed(faces, erase=0.0).equal(faces)


def test_alternating_flips_change_sides_every_epoch():
    indices = torch.arange(1000)
    settings = NOTHING.model_copy(update={"flip": "alternating"})
    generator = torch.Generator()
    first, second, third = (flips(indices, epoch, settings, 0, generator) for epoch in range(3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert 400 < int(first.sum()) < 600
    assert not torch.equal(first, flips(indices, 0, settings, 1, generator))


def test_random_flips_are_fair_and_none_is_none():
    indices = torch.arange(1000)
    generator = torch.Generator().manual_seed(0)
    random = flips(indices, 0, NOTHING.model_copy(update={"flip": "random"}), 0, generator)
    assert 400 < int(random.sum()) < 600
    assert not flips(indices, 0, NOTHING, 0, generator).any()
