"""Any user's picture is read upright, in eight bits and without alpha, or refused in one line."""

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.detection.pictures import read_picture, to_grey
from pipeline.errors import UserError
from pipeline.image_decoding import FORMATS

from ..ingest.files import encoded, png
from .photos import photo

PHOTO = photo(48)


@pytest.mark.parametrize("kind", FORMATS)
def test_each_kind_is_read_whatever_its_file_is_called(kind, tmp_path):
    path = tmp_path / "photo.what"
    path.write_bytes(encoded(PHOTO, kind))
    read = read_picture(path)
    assert read.shape == (48, 48, 3)
    assert np.abs(read.astype(int) - np.asarray(PHOTO)).mean() < 15  # GIF has 256 colours


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    image = Image.fromarray(np.arange(32 * 40, dtype=np.uint16).reshape(32, 40).astype(np.uint8))
    read = read_picture(encoded(image, exif=exif))[..., 0]
    pixels = np.asarray(image)
    upright = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1], 5: pixels.T,
        6: pixels[::-1].T, 7: pixels[::-1, ::-1].T, 8: pixels.T[::-1],
    }[turn]  # fmt: skip
    assert np.array_equal(read, upright)


def test_what_else_a_camera_says_does_not_keep_a_picture_from_being_turned():
    odd = b"Exif\0\0II*\0\x08\0\0\0\x02\0"
    for tag, kind, value in ((0x0112, 3, 6), (0x011B, 2, 0)):  # a resolution in letters
        odd += struct.pack("<HHII", tag, kind, 1, value)
    read = read_picture(encoded(PHOTO, "JPEG", exif=odd + bytes(4)))
    turned = PHOTO.transpose(Image.Transpose.ROTATE_270)
    assert np.abs(read.astype(int) - np.asarray(turned)).mean() < 15


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_metadata_that_are_none_do_not_keep_a_picture_from_being_read(kind):
    read = read_picture(encoded(PHOTO, kind, exif=b"Exif\0\0garbage"))
    assert np.abs(read.astype(int) - np.asarray(PHOTO)).mean() < 15


@pytest.mark.parametrize("bits", [16, 14, 12, 10, 8])
def test_as_many_bits_as_a_camera_gives_become_eight(bits):
    levels = np.tile(np.linspace(0, 65_535, 30, dtype=np.uint16), (30, 1))
    kept = Image.fromarray(levels >> (16 - bits))  # in 16 bits, whatever they are
    assert np.abs(to_grey(read_picture(encoded(kept))) - levels / 257).max() <= 1


def test_what_is_transparent_is_black():
    image = PHOTO.convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.uint8([[255], [0]]), 24, axis=0).repeat(48, 1)))
    read = read_picture(encoded(image))
    assert np.array_equal(read[:24], np.asarray(PHOTO)[:24])
    assert not read[24:].any()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no picture of a kind that is read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture of a kind that is read"),
        (encoded(PHOTO)[:-900], "truncated"),
        (encoded(photo(8)), "8 x 8 pixels; a side has at least 24"),
        (png(b"", size=(10_000, 10_000)), "10000 x 10000 pixels; at most 89 million are read"),
        (png(b"", size=(60_000, 60_000)), "too many pixels; at most 89 million are read"),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_too_large_is_refused_in_a_line(content, words):
    with pytest.raises(UserError, match=words) as refused:
        read_picture(content, "holiday.png")
    assert str(refused.value).startswith("holiday.png: ")
    assert "\n" not in str(refused.value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMATS), st.integers(0, 3000), st.binary(min_size=1, max_size=8))
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(kind, at, junk):
    content = bytearray(encoded(PHOTO, kind))
    content[at % len(content) : at % len(content) + len(junk)] = junk
    with suppress(UserError):
        assert read_picture(bytes(content)).shape[2] == 3
