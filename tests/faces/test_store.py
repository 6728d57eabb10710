"""Faces come back from the store as they went in, and a failed writing leaves nothing."""

import hashlib
import sys
from itertools import pairwise

import numpy as np
import pytest

from pipeline.errors import UserError
from pipeline.faces.batch import Batch
from pipeline.faces.store import read_faces, writing_faces

from ..small_disk import unshared

NAMES = ("pixels", "labels", "usage", "rows", "ids", "names")


def batch(count, first=1, usage=None, name=None):
    pixels = np.random.default_rng(first).integers(0, 256, (count, 48, 48)).astype(np.uint8)
    rows = np.arange(first, first + count)
    labels = (rows % 7).astype(np.int8)
    return Batch(pixels, labels, [usage] * count, rows, rows - 1, [name] * count)


def write(folder, *batches):
    with writing_faces(folder) as writer:
        for each in batches:
            if not isinstance(each, Batch):
                raise each
            writer.append(each)
    return folder


def test_batches_come_back_one_after_the_other(tmp_path):
    parts = [batch(3, usage="Training"), batch(0), batch(12, 4, name="happy/a.png")]
    faces = read_faces(write(tmp_path / "new" / "faces", *parts))
    assert len(faces) == 15
    assert isinstance(faces.pixels, np.memmap)
    assert faces.pixels.dtype == np.uint8
    assert not faces.pixels.flags.writeable
    assert (faces.pixels == np.concatenate([part.pixels for part in parts])).all()
    assert faces.table.columns.tolist() == ["label", "usage", "row", "id", "name", "md5"]
    assert faces.table["row"].tolist() == list(range(1, 16))
    assert faces.table["id"].tolist() == list(range(15))
    assert faces.table["usage"].notna().tolist() == [True] * 3 + [False] * 12
    assert faces.table["name"].tolist()[3:] == ["happy/a.png"] * 12
    assert faces.labels.dtype == np.int8
    assert faces.labels.tolist() == [row % 7 for row in range(1, 16)]
    expected = hashlib.md5(faces.pixels[4].tobytes(), usedforsecurity=False).hexdigest()
    assert faces.table["md5"][4] == expected


def test_an_empty_store_is_read_like_any_other(tmp_path):
    faces = read_faces(write(tmp_path / "faces"))
    assert len(faces) == 0
    assert faces.pixels.shape == (0, 48, 48)
    assert faces.labels.dtype == np.int8


def test_many_faces_come_back_in_their_order_however_they_come(tmp_path):
    count = 20_000  # more rows of the table than are written at once
    faces = [batch(1, first) for first in range(1, 8)]
    whole = Batch(
        *(np.concatenate([getattr(f, name) for f in faces])[np.arange(count) % 7] for name in NAMES)
    )
    cuts = [0, 1, 1 << 14, 19_990, count]
    pieces = [
        Batch(*(getattr(whole, name)[start:stop] for name in NAMES))
        for start, stop in pairwise(cuts)
    ]
    first, second = write(tmp_path / "a", whole), write(tmp_path / "b", *pieces)
    table = read_faces(second).table
    assert table["row"].tolist() == whole.rows.tolist()
    assert len(set(table["md5"][:7])) == 7
    assert table["md5"].tolist() == [table["md5"][place % 7] for place in range(count)]
    for name in ("pixels.npy", "table.parquet"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_second_writing_replaces_the_first_unless_it_fails(tmp_path):
    folder = write(tmp_path / "faces", batch(5))
    (folder / "stray").touch()
    write(folder, batch(2))
    for error in (UserError, KeyboardInterrupt):
        with pytest.raises(error):
            write(folder, batch(3), error)
    assert len(read_faces(folder)) == 2
    assert {path.name for path in folder.iterdir()} == {"pixels.npy", "table.parquet"}
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_what_ended_a_writing_is_told_even_on_a_disk_that_is_full(tmp_path):
    script = f"""
        mkdir '{tmp_path}/disk' && mount -t tmpfs -o size=12k tmpfs '{tmp_path}/disk' || exit 99
        exec '{sys.executable}' -c '
from pathlib import Path
from pipeline.faces.store import writing_faces
from pipeline.errors import UserError
disk = Path("{tmp_path}/disk")
try:
    with writing_faces(disk / "faces"):
        with open(disk / "rest", "wb", 0) as rest:
            try:
                while rest.write(bytes(64)): pass
            except OSError:
                pass
        raise UserError("row 7 is no face")
except UserError as error:
    print(error, [path.name for path in disk.iterdir()])
'
    """
    done = unshared(script)
    assert done.stdout == "row 7 is no face ['rest']\n", done.stderr


def test_what_a_killed_writing_left_behind_does_not_matter(tmp_path):
    (tmp_path / "faces.partial").mkdir()
    (tmp_path / "faces.partial" / "pixels.npy").write_bytes(b"half a fa")
    assert len(read_faces(write(tmp_path / "faces", batch(1)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_a_missing_or_broken_store_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match=r"none: no readable faces .* run the stage `ingest`"):
        read_faces(tmp_path / "none")
    folder = write(tmp_path / "faces", batch(5))
    np.save(folder / "pixels.npy", np.zeros((4, 48, 48), np.uint8))
    with pytest.raises(UserError, match=r"\(4, 48, 48\) pixels for 5 rows"):
        read_faces(folder)
    (folder / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="no readable faces"):
        read_faces(folder)
