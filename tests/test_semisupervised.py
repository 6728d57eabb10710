"""Which faces and labels the semi-supervised stage may see."""

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import layout
from pipeline.data.batch import Batch
from pipeline.data.store import FaceWriter
from pipeline.stages.files import write_parquet
from pipeline.stages.semisupervised import gather

PARTS = np.array(["train"] * 40 + ["validation"] * 10 + ["test"] * 10)


def write_store(folder, pixels, labels):
    count = len(pixels)
    with FaceWriter(folder) as writer:
        writer.append(
            Batch(
                pixels=pixels,
                labels=labels.astype(np.int8),
                usage=[None] * count,
                rows=np.arange(1, count + 1),
                ids=np.arange(count),
                names=[None] * count,
            )
        )


@pytest.fixture
def study(tmp_path, monkeypatch, rng, params):
    """Faces in a project of their own; gives what the stage gathers from changed labels."""
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(0, 256, (60, 48, 48), dtype=np.uint8)
    labels = rng.integers(0, 7, 60)
    others = np.concatenate([pixels[:3], pixels[45:47], pixels[55:56], 255 - pixels[:4]])
    write_store(layout.UNLABELLED, others, np.full(10, -1))
    write_parquet(layout.SPLIT, pd.DataFrame({"face": range(60), "part": PARTS}))

    def gathered(change=lambda labels: labels, **settings):
        write_store(layout.LABELLED, pixels, change(labels.copy()))
        section = params.semisupervised.model_copy(update=settings)
        return gather(params.model_copy(update={"semisupervised": section}))

    gathered.pixels = pixels
    return gathered


def positions(faces, pixels):
    places = {face.tobytes(): place for place, face in enumerate(pixels)}
    return {places.get(face.numpy().tobytes()) for face in faces.pixels}


def test_removed_labels_are_never_read(study):
    kept = positions(study().labelled, study.pixels)
    removed = [place for place in range(40) if place not in kept]
    assert len(kept) == len(removed) == 20

    def corrupt(labels):
        labels[removed] = (labels[removed] + 3) % 7
        return labels

    before, after = study(), study(corrupt)
    for name in ("everything", "labelled", "validation"):
        first, second = getattr(before, name), getattr(after, name)
        assert torch.equal(first.pixels, second.pixels)
        assert torch.equal(first.labels, second.labels)
    assert (before.everything.labels == -1).all()


def test_no_held_out_face_is_learned_from(study):
    material = study()
    for faces in (material.everything, material.labelled):
        assert not positions(faces, study.pixels) & set(range(40, 60))
    assert positions(material.validation, study.pixels) == set(range(40, 50))
    assert np.array_equal(material.test_pixels, study.pixels[50:])


def test_the_unlabelled_file_is_seen_but_for_copies_of_held_out_faces(study):
    with_file, without = study(), study(unlabelled_file=False)
    assert (with_file.training_faces, without.training_faces) == (40, 40)
    assert len(without.everything) == 40
    assert len(with_file.everything) == 47  # 10 unlabelled, 3 of them copies of held-out faces
