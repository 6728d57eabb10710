"""Pictures out of a video come as often as was asked."""

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
