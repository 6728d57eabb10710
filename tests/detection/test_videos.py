"""Pictures out of a video come as often as was asked."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.detection.videos import read_video


@pytest.mark.parametrize(
    ("every", "seconds"),
    [(0.4, [0.0, 0.4, 0.8, 1.2, 1.6]), (0.5, [0.0, 0.6, 1.0, 1.6]), (9.0, [0.0])],
)
def test_the_nearest_picture_is_taken_each_time(tmp_path, every, seconds):
    path = tmp_path / "clip.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (32, 32))
    for _ in range(9):
        video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()
    assert [second for second, _ in read_video(path, every)] == pytest.approx(seconds)


def test_a_colon_in_a_name_is_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video = cv2.VideoWriter("clip.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 5, (32, 32))
    for _ in range(2):
        video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()
    path = Path("clip.mp4").rename("12:30.mp4")
    assert [second for second, _ in read_video(path, 1)] == [0.0]


@pytest.mark.parametrize(
    ("steps", "every", "seconds"),
    [
        ([100, 33, 67, 40] * 5, 0.5, [0.0, 0.58, 1.06]),
        # Nothing moved for nine seconds, so nothing was recorded.
        ([100, 100, 8800, *[100] * 21], 1, [0.0, 9.0, 10.0, 11.0]),
        ([3000] * 4, 1, [0.0, 3.0, 6.0, 9.0]),
        ([100] * 4, 0, [0.0, 0.1, 0.2, 0.3]),
    ],
)
def test_pictures_that_are_unevenly_far_apart_are_taken_at_their_own_times(
    tmp_path, steps, every, seconds
):
    path = tmp_path / "clip.webm"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), 30, (32, 32))
    for _ in steps:
        video.write(np.zeros((32, 32, 3), np.uint8))
    video.release()
    content, at = bytearray(path.read_bytes()), 0
    length = content.index(b"\x23\xe3\x83\x84")  # of each picture: left out
    content[length : length + 2] = b"\xec\x86"
    for number in range(len(steps)):  # each block begins with its track and its time
        at = content.index(b"\x81" + struct.pack(">h", round(number * 1000 / 30)), at) + 1
        content[at : at + 2] = struct.pack(">h", sum(steps[:number]))
    path.write_bytes(content)
    found = [second for second, _ in read_video(path, every)]
    assert found == pytest.approx(seconds, abs=0.002)
