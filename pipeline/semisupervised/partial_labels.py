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


def remove_labels(faces: Faces, places: NDArray[np.int64]) -> Faces:
    """The same faces, some without a label.

    The labels at `places` are not looked at, whatever they are: only the others are taken over.
    """
    kept = np.setdiff1d(np.arange(len(faces)), places)
    labels = np.full(len(faces), UNLABELLED, np.int8)
    labels[kept] = faces.table["label"].to_numpy()[kept]
    return Faces(faces.pixels, faces.table.assign(label=labels))


def choose_removed(parts: NDArray[np.str_], settings: SemiSupervised) -> NDArray[np.int64]:
    """Places of the training faces that lose their labels: by chance, blind to the labels."""
    train = np.flatnonzero(parts == "train")
    kept = choose_labelled(len(train), settings.labelled_fraction, settings.classifier.seed)
    return np.delete(train, kept)


def arrange(faces: Faces, parts: NDArray[np.str_], others: Faces | None) -> Material:
    """Give each face its part in the study.

    Args:
        faces: those of the split, after `remove_labels`.
        parts: the part of each, (N,).
        others: faces that never had a label, or None to do without.
    """
    train, validation, test = (
        np.flatnonzero(parts == part) for part in ("train", "validation", "test")
    )
    seen = faces.pixels[train]
    if others is not None:
        # A copy of a held-out face would let the autoencoder see what it is tested on.
        held_out = faces.table["md5"][parts != "train"]
        seen = np.concatenate([seen, others.pixels[~others.table["md5"].isin(held_out)]])
    labels = faces.labels.astype(np.int64)

    return Material(
        everything=FaceSet(torch.from_numpy(seen), torch.full((len(seen),), UNLABELLED)),
        training_faces=len(train),
        labelled=FaceSet.of(faces, train[labels[train] != UNLABELLED]),
        validation=FaceSet.of(faces, validation),
        test_pixels=faces.pixels[test],
        test_labels=labels[test],
    )
