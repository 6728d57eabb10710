"""Which detector finds faces: recall, false finds and milliseconds on scenes with known faces.

    python benchmarks/detectors.py FACES [--scenes N] [--only DETECTOR]

FACES is a faces file of the study's, such as FER2013's train.csv. Each face is enlarged to 64 to
220 pixels, given a border that repeats its edge, and pasted into a photograph without faces that
scikit-image ships, 640 by 480. A face is found by a box whose intersection with it is more than 0.4
of their union. What is found in the photographs alone is false. dlib's detector is compared where
`pip install dlib-bin` was said.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import cv2
import cv2.data
import numpy as np
import pandas as pd
import skimage
from measured import Measured, report
from numpy.typing import NDArray
from PIL import Image

from pipeline.detection.detector import Box, find_faces

DATA = Path(skimage.__file__).parent / "data"

GROUNDS = ("coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "gravel.png",
           "brick.png", "grass.png", "hubble_deep_field.jpg", "retina.jpg", "coins.png",
           "clock_motion.png", "page.png")  # fmt: skip
WIDTH, HEIGHT = 640, 480

Grey = NDArray[np.uint8]
Detector = Callable[[Grey], list[Box]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--only", action="append", help="a detector, as they are called below")
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    grounds = [read_ground(name) for name in GROUNDS]
    scenes = [
        compose(face, grounds[number % len(grounds)], rng)
        for number, face in enumerate(read_faces(chosen.faces, chosen.scenes, rng))
    ]
    for name, detect in detectors().items():
        if chosen.only and name not in chosen.only:
            continue
        started = time.process_time()
        found = [detect(picture) for picture, _ in scenes]
        seconds = (time.process_time() - started) / len(scenes)
        shifts, scales = [], []
        for boxes, (_, true) in zip(found, scenes, strict=True):
            best = max(boxes, key=partial(overlap, true), default=None)
            if best and overlap(true, best) > 0.4:
                shifts.append((best.left - true.left + (best.side - true.side) / 2) / true.side)
                scales.append(best.side / true.side)
        shift, scale = np.array(shifts), np.array(scales)
        false = sum(len(boxes) for boxes in found) - len(scale)
        report([
            Measured(f"{name}_recall", len(scale) / len(scenes)),
            Measured(f"{name}_false_per_scene", false / len(scenes)),
            Measured(f"{name}_false_in_grounds", sum(len(detect(each)) for each in grounds)),
            Measured(f"{name}_milliseconds", 1000 * seconds, "ms", "", "of all cores, a scene"),
            Measured(f"{name}_shift", shift.std(), "", "", "deviation, of the face's side"),
            Measured(f"{name}_scale", scale.mean(), "", "", f"deviation {scale.std():.2f}"),
        ])  # fmt: skip


def detectors() -> dict[str, Detector]:
    """Every detector by its name."""
    kept: dict[str, Detector] = {"kept": find_faces}
    for name in ("default", "alt", "alt2"):
        for neighbours in (3, 5):
            kept[f"haar_{name}_{neighbours}"] = haar(name, neighbours)
    kept["skimage_lbp"] = skimage_lbp()
    if find_spec("dlib"):
        kept["dlib_hog"] = dlib_hog()
    return kept


def haar(name: str, neighbours: int) -> Detector:
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_{name}.xml")

    def detect(picture: Grey) -> list[Box]:
        found = cascade.detectMultiScale(picture, 1.1, neighbours, minSize=(32, 32))
        return [Box(*map(float, row[:3])) for row in found]

    return detect


def skimage_lbp() -> Detector:
    from skimage.feature import Cascade

    cascade = Cascade(DATA / "lbpcascade_frontalface_opencv.xml")

    def detect(picture: Grey) -> list[Box]:
        found = cascade.detect_multi_scale(
            picture, scale_factor=1.2, step_ratio=1, min_size=(32, 32), max_size=(300, 300)
        )
        return [Box(each["c"], each["r"], each["width"]) for each in found]

    return detect


def dlib_hog() -> Detector:
    detector = import_module("dlib").get_frontal_face_detector()
    return lambda picture: [Box(r.left(), r.top(), r.width()) for r in detector(picture, 0)]


def read_faces(path: Path, count: int, rng: np.random.Generator) -> Grey:
    """Some of a file's faces, (count, 48, 48)."""
    table = pd.read_csv(path).sample(count, random_state=rng)
    (column,) = {"feature", "pixels"} & {*table.columns}
    return np.array([np.array(text.split(), np.uint8).reshape(48, 48) for text in table[column]])


def read_ground(name: str) -> Grey:
    return np.asarray(Image.open(DATA / name).convert("L").resize((WIDTH, HEIGHT)))


def compose(face: Grey, ground: Grey, rng: np.random.Generator) -> tuple[Grey, Box]:
    """A photograph with a face in it, and where."""
    side = int(rng.integers(64, 220))
    border = side // 4
    large = np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC))
    large = np.pad(large, border, mode="edge")
    top = int(rng.integers(0, HEIGHT - len(large)))
    left = int(rng.integers(0, WIDTH - len(large)))
    picture = ground.copy()
    picture[top : top + len(large), left : left + len(large)] = large
    return picture, Box(left + border, top + border, side)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    wide = min(one.left + one.side, other.left + other.side) - max(one.left, other.left)
    high = min(one.top + one.side, other.top + other.side) - max(one.top, other.top)
    both = max(0.0, wide) * max(0.0, high)
    return both / (one.side**2 + other.side**2 - both)


if __name__ == "__main__":
    main()
