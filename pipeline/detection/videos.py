"""Pictures out of videos and cameras."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from pipeline.detection.pictures import Picture
from pipeline.errors import UserError

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".y4m")
"""Names of files that are taken for videos."""

_USUAL = 25.0
"""Pictures a second of a video that does not say how many it has."""


def read_video(path: Path, every: float) -> Iterator[tuple[float, Picture]]:
    """Pictures of a video every so many seconds, and at which second each stands.

    Raises:
        UserError: it cannot be read, or has no picture.
    """
    if not (os.access(path, os.R_OK) and path.is_file()):
        raise UserError(f"{path}: cannot be read: no such file, or not yours to read")
    # From the root: FFmpeg would take what stands before a colon for a protocol.
    video = cv2.VideoCapture(str(path.absolute()))
    try:
        rate = video.get(cv2.CAP_PROP_FPS) or _USUAL
        due, number = 0.0, 0
        while video.grab():
            # Pictures may be unevenly far apart, as browsers record them: then a rate says nothing.
            second = video.get(cv2.CAP_PROP_POS_MSEC) / 1000 or number / rate
            if second - due > 1e-6 - 0.5 / rate:  # the nearest one
                picture = _decode(video)
                if picture is not None:
                    yield second, picture
                # Behind a gap it counts anew: those that fell into it are not made up for.
                due = (due if second - due < every else second) + every
            number += 1
    finally:
        video.release()
    if not number:
        raise UserError(f"{path}: cannot be read: no video of a kind that is read")


def read_camera(number: int, every: float) -> Iterator[tuple[float, Picture]]:
    """What a camera, numbered from 0, sees every so many seconds, and when; until it is unplugged.

    Raises:
        UserError: there is no such camera, or it gives nothing more.
    """
    camera = cv2.VideoCapture(number)
    start, due = time.monotonic(), 0.0
    try:
        # Those in between are taken, too: a camera keeps some, and would tell what was before.
        while camera.grab():
            second = time.monotonic() - start
            if second < due:
                continue
            picture = _decode(camera)
            if picture is not None:
                yield second, picture
            due = second + every
    finally:
        camera.release()
    raise UserError(f"camera {number}: gives no pictures; see that it is there and not in use")


def _decode(video: Any) -> Picture | None:
    is_whole, picture = video.retrieve()
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if is_whole else None
