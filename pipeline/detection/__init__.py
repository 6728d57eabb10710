"""Faces in a user's pictures and videos: read them, find faces, crop them as FER2013 is cropped."""

import os

# OpenCV would say on its own, in several lines, what is told here in one; it reads these as it is
# loaded.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
