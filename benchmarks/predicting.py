"""What `python -m pipeline.predict` takes: until its first answer, to find a face, to name it.

    python benchmarks/predicting.py

The model is the one that the command takes by itself.
"""

import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import skimage
from measured import Measured, median, report
from PIL import Image

from pipeline.detection.crops import crop_faces
from pipeline.detection.detector import Box, find_faces
from pipeline.detection.pictures import read_picture, to_grey
from pipeline.params import load
from pipeline.predict.model import load_recogniser

PHOTO = Path(skimage.__file__).parent / "data/astronaut.png"
FACES = 256


def main() -> None:
    seconds, processor = first_answer()
    note = f"processor {processor:.2f} s"
    report([Measured("predict_first_answer", seconds, "s", "<= 3", note)])
    with tempfile.TemporaryDirectory() as folder:
        for name, side in (("small", 512), ("phone", 3500)):
            path = Path(folder) / f"{name}.jpg"
            Image.open(PHOTO).convert("RGB").resize((side, side)).save(path)
            grey = to_grey(read_picture(path))
            report([
                Measured(f"read_{name}", 1000 * median(partial(read_picture, path)), "ms"),
                Measured(f"find_{name}", 1000 * median(partial(find_faces, grey)), "ms"),
            ])  # fmt: skip
    recogniser = load_recogniser(load()).recogniser
    boxes = [Box(left, left, 100) for left in np.linspace(0, 400, FACES)]
    crops = crop_faces(grey, boxes)
    cutting = FACES / median(lambda: crop_faces(grey, boxes))
    naming = FACES / median(lambda: recogniser.answer(boxes, crops))
    report([
        Measured("crop_faces_per_second", cutting, "faces/s"),
        Measured("name_faces_per_second", naming, "faces/s", ">= 50"),
    ])  # fmt: skip


def first_answer() -> tuple[float, float]:
    """Seconds of a new process until its first answer, and of the processor; the best of three."""
    found = []
    for _ in range(3):
        started, before = time.perf_counter(), children_time()
        command = [sys.executable, "-m", "pipeline.predict", "--json", str(PHOTO)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for _ in process.stdout or ():
                seconds = time.perf_counter() - started
        found.append((seconds, children_time() - before))
    return min(found)


def children_time() -> float:
    spent = psutil.Process().cpu_times()
    return float(spent.children_user + spent.children_system)


if __name__ == "__main__":
    main()
