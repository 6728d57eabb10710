"""What a wrong crop costs, and what averaging over several crops gives back.

    python benchmarks/crops.py [MODEL] [--faces N]

Run it in a project whose `data/faces` and `data/split.parquet` are of the faces that MODEL (cnn)
was trained on. Validation faces are cropped anew, moved or scaled; what lies beyond their edge
repeats it, as FER2013 shows nothing there. Then their boxes are wrong by chance, as much as the
detector's are (benchmarks/detectors.py), and answered by one crop or by the mean over several.
"""

import argparse
from functools import partial

import numpy as np
from measured import Measured, report
from numpy.typing import NDArray

from pipeline import layout
from pipeline.detection.crops import ONE_VIEW, View, crop_faces
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

SETS = {
    "1": ONE_VIEW,
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
    measure = partial(accuracy, find_classifier(chosen.model), faces, labels)
    exact = [Box(0, 0, SIDE)] * len(faces)

    for shift in (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2):
        across = measure(exact, (View(right=shift),))
        along = measure(exact, (View(down=shift),))
        report([Measured(f"right_{shift:+.2f}", across), Measured(f"down_{shift:+.2f}", along)])
    for scale in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3):
        report([Measured(f"scale_{scale:.1f}", measure(exact, (View(scale=scale),)))])

    wrong = [blur(rng) for _ in faces]
    for name, views in SETS.items():
        note = f"exact {measure(exact, views):.3f}"
        report([Measured(f"detected_{name}", measure(wrong, views), "", "", note)])


def blur(rng: np.random.Generator) -> Box:
    """A box that is wrong as the detector's are."""
    right, down = rng.normal(0, SHIFT, 2)
    side = SIDE * float(np.clip(rng.normal(1, SCALE), 0.7, 1.4))
    inward = (SIDE - side) / 2
    return Box(inward + SIDE * right, inward + SIDE * down, side)


def accuracy(
    model: Classifier, faces: NDArray[np.uint8], labels: NDArray[np.integer],
    boxes: list[Box], views: tuple[View, ...],
) -> float:  # fmt: skip
    """Share of right answers, the mean over views."""
    crops = np.concatenate(
        [crop_faces(face, [box], views) for face, box in zip(faces, boxes, strict=True)]
    )
    found = predict_probabilities(model, crops.reshape(-1, SIDE, SIDE), load().evaluate.tta)
    mean = found.reshape(len(faces), len(views), -1).mean(axis=1)
    return float((mean.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main()
