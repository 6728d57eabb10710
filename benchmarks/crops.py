"""What a wrong crop costs, and what averaging over several crops gives back.

    python benchmarks/crops.py [MODEL] [--faces N]

Run it in a project whose `data/faces` and `data/split.parquet` are of the faces that MODEL (cnn)
was trained on. Validation faces are cropped anew, moved or scaled; what lies beyond their edge
repeats it, as FER2013 shows nothing there. Then their boxes are wrong by chance, as much as the
detector's are (benchmarks/detectors.py), and answered by one crop or by the mean over several, each
in the views of `evaluate.tta` in params.yaml.
"""

import argparse
from functools import partial
from typing import NamedTuple

import numpy as np
from measured import Measured, report
from numpy.typing import NDArray

from pipeline import layout
from pipeline.detection.crops import crop_faces
from pipeline.detection.detector import Box
from pipeline.faces.expressions import SIDE
from pipeline.faces.store import read_faces
from pipeline.files import read_parquet
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.params import load
from pipeline.trained_models import find_classifier

SHIFT, SCALE = 0.05, 0.13
"""Deviations of the detector's boxes, as shares of a face's side."""


class View(NamedTuple):
    """A crop beside the detector's: its centre moved by shares of the side, its side scaled."""

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0

    def of(self, box: Box) -> Box:
        """What is cut out in place of a box."""
        side = box.side * self.scale
        left, top = (
            start + (box.side - side) / 2 + share * box.side
            for start, share in ((box.left, self.right), (box.top, self.down))
        )
        return Box(left, top, side)


ONE_VIEW = (View(),)

SETS = {
    "3_scales": tuple(View(scale=scale) for scale in (0.9, 1.0, 1.1)),
    "5_shifts": (View(), View(right=0.05), View(right=-0.05), View(down=0.05), View(down=-0.05)),
    "5_both": (View(), *(View(right, down, scale) for right, down, scale in (
        (0.05, 0.05, 0.92), (-0.05, 0.05, 1.08), (0.05, -0.05, 1.08), (-0.05, -0.05, 0.92)))),
    "9_both": tuple(View(right, 0, scale) for right in (-0.05, 0, 0.05) for scale in (0.9, 1, 1.1)),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="cnn")
    parser.add_argument("--faces", type=int, default=1000)
    chosen = parser.parse_args()
    stored, parts = read_faces(layout.LABELLED), read_parquet(layout.SPLIT)["part"].to_numpy()
    rng = np.random.default_rng(0)
    places = rng.permutation(np.flatnonzero(parts == "validation"))[: chosen.faces]
    faces, labels = stored.pixels[np.sort(places)], stored.labels[np.sort(places)]
    answer = partial(find_right, find_classifier(chosen.model), faces, labels)
    exact = [Box(0, 0, SIDE)] * len(faces)
    best = answer(exact, ONE_VIEW)
    report([Measured("exact", float(best.mean()), "", "", f"{len(faces)} faces")])

    for shift in (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2):
        compare(f"right_{shift:+.2f}", answer(exact, (View(right=shift),)), best, "exact")
        compare(f"down_{shift:+.2f}", answer(exact, (View(down=shift),)), best, "exact")
    for scale in (0.7, 0.8, 0.9, 1.1, 1.2, 1.3):
        compare(f"scale_{scale:.1f}", answer(exact, (View(scale=scale),)), best, "exact")

    wrong = [blur(rng) for _ in faces]
    one = answer(wrong, ONE_VIEW)
    compare("detected_1", one, best, "exact")
    for name, views in SETS.items():
        compare(f"detected_{name}", answer(wrong, views), one, "detected_1")


def compare(name: str, right: NDArray[np.bool_], base: NDArray[np.bool_], called: str) -> None:
    """Report the share of right answers, and its distance from that of others, paired by face."""
    gain = 100 * (right.astype(float) - base)
    error = gain.std() / np.sqrt(len(gain))
    note = f"{gain.mean():+.1f} points from {called}, standard error {error:.1f}"
    report([Measured(name, float(right.mean()), "", "", note)])


def blur(rng: np.random.Generator) -> Box:
    """A box that is wrong as the detector's are."""
    right, down = rng.normal(0, SHIFT, 2)
    side = SIDE * float(np.clip(rng.normal(1, SCALE), 0.7, 1.4))
    inward = (SIDE - side) / 2
    return Box(inward + SIDE * right, inward + SIDE * down, side)


def find_right(
    model: Classifier, faces: NDArray[np.uint8], labels: NDArray[np.integer],
    boxes: list[Box], views: tuple[View, ...],
) -> NDArray[np.bool_]:  # fmt: skip
    """Whether the mean answer over views is right, of each face."""
    crops = np.concatenate(
        [
            crop_faces(face, [view.of(box) for view in views])
            for face, box in zip(faces, boxes, strict=True)
        ]
    )
    found = predict_probabilities(model, crops, load().evaluate.tta)
    mean = found.reshape(len(faces), len(views), -1).mean(axis=1)
    right: NDArray[np.bool_] = mean.argmax(axis=1) == labels
    return right


if __name__ == "__main__":
    main()
