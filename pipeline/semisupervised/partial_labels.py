"""Faces of which some lose their labels, as if nobody had ever named them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline import layout
from pipeline.faces.batch import UNLABELLED
from pipeline.faces.photographs import read_photographs
from pipeline.faces.store import read_faces
from pipeline.files import read_parquet
from pipeline.semisupervised.params import SemiSupervised
from pipeline.training.face_set import FaceSet


@dataclass(frozen=True)
class Material:
    """What a study of unlabelled faces may see: removed labels are not among it.

    Attributes:
        everything: all training faces and, if asked for, those of the unlabelled file; labels -1.
        training_faces: how many of them are training faces.
        labelled: the training faces that keep their labels.
        test_photographs: which photograph each test face shows, (N,).
    """

    everything: FaceSet
    training_faces: int
    labelled: FaceSet
    validation: FaceSet
    test_pixels: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    test_photographs: NDArray[np.int64]


def gather(settings: SemiSupervised) -> Material:
    """Read the faces, and give each its part in the study."""
    faces, parts = read_faces(layout.LABELLED), read_parquet(layout.SPLIT)["part"].to_numpy()
    train, validation, test = (
        np.flatnonzero(parts == part) for part in ("train", "validation", "test")
    )
    kept = choose_labelled(len(train), settings)
    seen, photographs = faces.pixels[train], read_photographs(layout.PHOTOGRAPHS)
    if settings.unlabelled_file:
        others = read_faces(layout.UNLABELLED)
        # A copy of a held-out face would let the autoencoder see what it is tested on.
        known = np.isin(photographs.unlabelled, photographs.labelled[parts != "train"])
        seen = np.concatenate([seen, others.pixels[~known]])
    return Material(
        everything=FaceSet(torch.from_numpy(seen), torch.full((len(seen),), UNLABELLED)),
        training_faces=len(train),
        labelled=FaceSet.of(faces, train[kept]),
        validation=FaceSet.of(faces, validation),
        test_pixels=faces.pixels[test],
        test_labels=faces.labels[test].astype(np.int64),
        test_photographs=photographs.labelled[test],
    )


def choose_labelled(count: int, settings: SemiSupervised) -> NDArray[np.int64]:
    """Which of so many training faces keep their labels, one at least: places in rising order.

    Chosen blindly: a choice by label would read the very labels that are to be removed.
    """
    kept = max(1, round(settings.labelled_fraction * count))
    if settings.labelled_rows == "last":
        return np.arange(count - kept, count)
    return np.sort(np.random.default_rng(settings.classifier.seed).permutation(count)[:kept])
