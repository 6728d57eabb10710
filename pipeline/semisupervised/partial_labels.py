"""Faces of which some lose their labels, as if nobody had ever named them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.faces.batch import UNLABELLED
from pipeline.faces.store import Faces
from pipeline.semisupervised.params import SemiSupervised
from pipeline.split.split import choose_labelled
from pipeline.training.face_set import FaceSet


@dataclass(frozen=True)
class Material:
    """What a study of unlabelled faces may see: removed labels are not among it.

    Attributes:
        everything: all training faces and, if asked for, those of the unlabelled file; labels -1.
        training_faces: how many of them are training faces.
        labelled: the training faces that keep their labels.
        validation: faces that choose the epoch.
        test_pixels: grey levels, (N, 48, 48).
        test_labels: true expressions, (N,).
    """

    everything: FaceSet
    training_faces: int
    labelled: FaceSet
    validation: FaceSet
    test_pixels: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def arrange(
    faces: Faces, parts: NDArray[np.str_], others: Faces | None, settings: SemiSupervised
) -> Material:
    """Give each face its part in the study; the labels that are taken away are not looked at.

    Args:
        faces: those of the split.
        parts: the part of each, (N,).
        others: faces that never had a label, or None to do without.
        settings: which share keeps its labels, and the seed that chooses, blind to the labels.
    """
    train, validation, test = (
        np.flatnonzero(parts == part) for part in ("train", "validation", "test")
    )
    kept = choose_labelled(len(train), settings.labelled_fraction, settings.classifier.seed)
    seen = faces.pixels[train]
    if others is not None:
        # A copy of a held-out face would let the autoencoder see what it is tested on.
        held_out = faces.table["md5"][parts != "train"]
        seen = np.concatenate([seen, others.pixels[~others.table["md5"].isin(held_out)]])
    return Material(
        everything=FaceSet(torch.from_numpy(seen), torch.full((len(seen),), UNLABELLED)),
        training_faces=len(train),
        labelled=FaceSet.of(faces, train[kept]),
        validation=FaceSet.of(faces, validation),
        test_pixels=faces.pixels[test],
        test_labels=faces.labels[test].astype(np.int64),
    )
