"""No held-out face has a copy in training; where the parameters allow one, the metrics count it.

From a faces file with planted copies, through the stages `ingest`, `photographs` and `split`: with
the same 2,304 grey levels, whatever the label says, mirrored, and with a pixel changed.
"""

import json

import numpy as np
import pandas as pd
import pytest

from pipeline import layout
from pipeline.ingest import stage as ingest
from pipeline.photographs import stage as photographs
from pipeline.shell import Stage
from pipeline.split import stage as split
from pipeline.split.split import PARTS

FACES = 140
COPIED = {0: [5, 139], 20: [138], 60: [61, 62, 137]}
"""Rows, and the rows that are made copies of them: early and late, so each method meets one."""

RELABELLED, MIRRORED, RETOUCHED = (1, 136), (2, 135), (3, 134)
"""A face, and the row of its copy under another name; of its mirror image; with a pixel changed."""

ALTERED = {original: [other] for original, other in (RELABELLED, MIRRORED, RETOUCHED)}

USAGES = ("Training", "PublicTest", "PrivateTest")


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (FACES, 48, 48), dtype=np.uint8)
    labels = np.arange(FACES) % 7
    for original, copies in COPIED.items():
        pixels[copies], labels[copies] = pixels[original], labels[original]
    pixels[RELABELLED[1]] = pixels[RELABELLED[0]]
    labels[RELABELLED[1]] = (labels[RELABELLED[0]] + 1) % 7
    pixels[MIRRORED[1]] = pixels[MIRRORED[0], :, ::-1]
    pixels[RETOUCHED[1]] = pixels[RETOUCHED[0]]
    pixels[RETOUCHED[1], 0, 0] ^= 1
    return pixels, labels


@pytest.fixture(scope="module")
def folder(planted, params, tmp_path_factory):
    """A project in which the planted faces have been read, and their copies found."""
    folder = tmp_path_factory.mktemp("leakage")
    usage = np.repeat(USAGES, [100, 20, 20])
    rows = [
        f"{label},{' '.join(map(str, face.ravel()))},{part}"
        for face, label, part in zip(*planted, usage, strict=True)
    ]
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows, ""]))
    data = params.data.model_copy(update={"source": "fer2013.csv"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        own = params.model_copy(update={"data": data})
        ingest.work(Stage("ingest", own))
        photographs.work(Stage("photographs", own))
    return folder


@pytest.fixture
def part_faces(folder, monkeypatch, params):
    """Runs the split; gives the part of each row, and what the metrics count."""
    monkeypatch.chdir(folder)

    def run(**settings):
        section = params.split.model_copy(update={"held_out": 0.3, **settings})
        own = params.model_copy(update={"split": section})
        split.work(Stage("split", own))
        counted = json.loads(layout.metrics("split").read_text())["split"]
        return pd.read_parquet(layout.SPLIT)["part"].to_numpy(), counted

    return run


def held_out_copies(pixels, parts):
    """Held-out faces that stand in another part, too; from the grey levels themselves."""
    pixels = pixels.copy()
    for original, other in (MIRRORED, RETOUCHED):
        pixels[other] = pixels[original]
    faces = [face.tobytes() for face in pixels]
    where = {part: {faces[k] for k in np.flatnonzero(parts == part)} for part in PARTS}
    return sum(
        any(faces[k] in where[other] for other in PARTS if other != parts[k])
        for k in np.flatnonzero(parts != "train")
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("method", ["stratified", "shuffled", "first_rows"])
def test_no_held_out_face_has_a_copy_elsewhere_unless_allowed_and_counted(
    planted, part_faces, method, seed
):
    pixels, _ = planted
    parts, counted = part_faces(method=method, seed=seed, copies_together=True)
    assert held_out_copies(pixels, parts) == counted["copies_across_parts"] == 0
    for original, copies in {**COPIED, **ALTERED}.items():
        assert set(parts[copies]) == {parts[original]}
    parts, counted = part_faces(method=method, seed=seed, copies_together=False)
    assert counted["copies_across_parts"] == held_out_copies(pixels, parts) > 0


def test_fer2013s_own_parts_are_kept_and_their_copies_counted(planted, part_faces, capsys):
    """Rows 134 to 139 are in FER2013's test part there, and their originals are not."""
    pixels, _ = planted
    parts, counted = part_faces(method="usage", copies_together=True)
    assert (parts == "train").sum() == 100
    assert counted["copies_across_parts"] == held_out_copies(pixels, parts) == 6
    assert "6 validation or test faces have copies" in capsys.readouterr().out


def test_it_says_what_would_have_been_parted_by_exact_copies_alone(part_faces):
    """Rows 134 and 135 are near-copies of rows 2 and 3, which train there."""
    _, counted = part_faces(method="first_rows", copies_together=True)
    assert (counted["copies_across_parts"], counted["by_exact_copies_alone"]) == (0, 2)
