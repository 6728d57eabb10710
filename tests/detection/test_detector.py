"""A face is found where it is, and cut out as it is found; where there is none, none is found."""

import numpy as np
import pytest

from pipeline.detection.crops import crop_faces
from pipeline.detection.detector import Box, find_faces
from pipeline.detection.pictures import to_grey

from .photos import CENTRE, nobody, photo


@pytest.mark.parametrize("side", [256, 512, 1600])
def test_a_face_is_found_in_pictures_of_any_size(side):
    (box,) = find_faces(to_grey(np.asarray(photo(side))))
    scale = side / 512
    assert box.side == pytest.approx(97 * scale, rel=0.15)
    middle = box.left + box.side / 2, box.top + box.side / 2
    assert middle == pytest.approx([value * scale for value in CENTRE], abs=12 * scale)


def test_several_faces_are_found_the_largest_first():
    one = to_grey(np.asarray(photo(400)))
    both = np.full((400, 700), 128, np.uint8)
    both[:, 300:], both[50:306, 20:276] = one, to_grey(np.asarray(photo(256)))
    assert [box.left > 300 for box in find_faces(both)] == [True, False]


@pytest.mark.parametrize("shape", [(24, 24), (30, 900), (480, 640)])
def test_where_there_is_no_face_none_is_found(shape):
    assert find_faces(to_grey(nobody(*shape))) == []


def test_a_crop_is_the_box_brought_to_48_by_48(rng):
    picture = rng.integers(0, 256, (200, 300), dtype=np.uint8)
    crops = crop_faces(picture, [Box(10, 20, 48), Box(100, 0, 96)])
    assert crops.shape == (2, 48, 48)
    assert np.array_equal(crops[0], picture[20:68, 10:58])
    halved = picture[:96, 100:196].reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.corrcoef(crops[1].ravel(), halved.ravel())[0, 1] > 0.9


def test_what_lies_beyond_the_edge_repeats_it():
    picture = np.zeros((60, 60), np.uint8)
    picture[:, 0] = 200
    crop = crop_faces(picture, [Box(-24, -10, 48)])[0]
    assert (crop[:, :24] == 200).all()
    assert not crop[:, 25:].any()


def test_no_boxes_give_no_crops():
    assert crop_faces(nobody()[..., 0], []).shape == (0, 48, 48)
