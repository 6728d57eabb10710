"""A whole source becomes two stores, regions and a report; a bad row stops or is listed."""

import io
import json
import zipfile
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from pipeline import layout
from pipeline.errors import UserError
from pipeline.faces.store import read_faces
from pipeline.ingest.ingest import ingest
from pipeline.ingest.sources import locate
from pipeline.ingest.stage import work
from pipeline.shell import Stage

from .files import encoded, put, table

FACES = np.random.default_rng(7).integers(0, 256, (6, 48, 48)).astype(np.uint8)
FACES[5] = 0
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]


def write_source(folder, train, test=(), regions=None):
    """CSV files of (label, text) and of texts; returns the source."""
    put(folder, {"train.csv": table("label,feature", *zip(*train, strict=True))})
    if test:
        put(folder, {"test.csv": table("id,feature", range(100, 100 + len(test)), test)})
    if regions is not None:
        np.savez(folder / "regions.npz", **regions)
    return locate(str(folder))


@pytest.fixture
def made(tmp_path):
    return tmp_path / "made"


TRAIN = [(0, TEXTS[0]), (1, TEXTS[1]), (2, TEXTS[0]), (3, TEXTS[5])]


def test_a_source_becomes_two_stores_and_a_report(tmp_path, made):
    mask = np.random.default_rng(0).random((4, 48, 48)) < 0.5
    source = write_source(tmp_path / "raw", TRAIN, [TEXTS[1], TEXTS[2]], {"mouth": mask})
    told = []
    report, _ = ingest(source, "stop", made, told.append)
    labelled, unlabelled = read_faces(made / "labelled"), read_faces(made / "unlabelled")
    assert (labelled.pixels == FACES[[0, 1, 0, 5]]).all()
    assert labelled.labels.tolist() == [0, 1, 2, 3]
    assert (unlabelled.pixels == FACES[[1, 2]]).all()
    assert unlabelled.table["id"].tolist() == [100, 101]
    assert (np.load(made / "regions.npz")["mouth"] == mask).all()
    found = report.labelled
    assert (found.copies, found.disagreeing, found.constant) == (1, 1, 1)
    assert (report.unlabelled.faces, report.shared, report.regions) == (2, 1, ["mouth"])
    assert list(report.files) == ["train.csv", "test.csv", "regions.npz"]
    assert sum(told) == source.size
    assert json.loads(json.dumps(asdict(report)))["labelled"]["classes"]["happy"] == 1


BAD = [TRAIN[0], (9, TEXTS[1]), TRAIN[2], (0, "1 2 3"), TRAIN[1]]


def test_drop_lists_bad_rows_and_keeps_regions_aligned(tmp_path, made):
    masks = np.arange(5)[:, None, None] * np.ones((1, 48, 48)) % 2 == 1
    source = write_source(tmp_path / "raw", BAD, [TEXTS[3], "x"], {"eyes": ~masks})
    report, dropped = ingest(source, "drop", made)
    assert report.dropped == 3
    assert [str(fault) for fault in dropped] == [
        "train.csv: row 2: label: '9'; expected a whole number 0 to 6, or an expression's name",
        "train.csv: row 4: feature: 3 values; expected 2304",
        "test.csv: row 2: feature: value 1: 'x'; expected a whole number 0 to 255",
    ]
    faces = read_faces(made / "labelled")
    assert faces.table["row"].tolist() == [1, 3, 5]
    assert faces.table["id"].tolist() == [0, 2, 4]
    assert (faces.pixels == FACES[[0, 0, 1]]).all()
    assert np.load(made / "regions.npz")["eyes"].all()
    assert len(np.load(made / "regions.npz")["eyes"]) == 3
    assert [fault.content for fault in dropped] == [f"9,{TEXTS[1]}", "0,1 2 3", "101,x"]


def test_a_source_without_one_good_row_is_an_error(tmp_path, made):
    with pytest.raises(UserError, match=r"none of 2 rows is a face; train.csv: row 1: label: '9'"):
        ingest(write_source(tmp_path / "raw", [(9, "1"), (8, "2")]), "drop", made)


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ({"eyes": np.ones((3, 48, 48), bool)}, r"\(3, 48, 48\); .* \(4, 48, 48\)"),
        ({"eyes": np.ones((4, 24, 24), bool)}, r"eyes: bool of shape \(4, 24, 24\)"),
        ({"eyes": np.ones(4, bool)}, r"eyes: bool of shape \(4,\)"),
        ({"eyes": np.bool_(True)}, r"eyes: bool of shape \(\)"),
        ({"eyes": np.ones((4, 48, 48))}, "eyes: float64"),
    ],
)
def test_regions_that_do_not_fit_are_an_error(tmp_path, made, regions, message):
    with pytest.raises(UserError, match=message):
        ingest(write_source(tmp_path / "raw", TRAIN, regions=regions), "stop", made)
    assert not list(made.iterdir())


def test_a_broken_regions_file_is_an_error(tmp_path, made):
    source = write_source(tmp_path / "raw", TRAIN, regions={})
    header = io.BytesIO()
    shape = {"descr": "|b1", "fortran_order": False, "shape": (10**10, 48, 48)}
    np.lib.format.write_array_header_1_0(header, shape)
    vast = io.BytesIO()
    with zipfile.ZipFile(vast, "w") as archive:
        archive.writestr("eyes.npy", header.getvalue())
    for content in (b"", b"no archive", b"PK\x03\x04no archive", vast.getvalue()):
        (tmp_path / "raw" / "regions.npz").write_bytes(content)
        with pytest.raises(UserError, match=r"regions.npz: not an archive of arrays"):
            ingest(source, "stop", made)


def test_a_folder_of_images_gives_both_stores(tmp_path, made):
    names = ("train/Happy/a.png", "val/4/b.png", "test/c.png")
    files = {name: encoded(Image.fromarray(FACES[n])) for n, name in enumerate(names)}
    put(tmp_path / "raw", files)
    source, told = locate(str(tmp_path / "raw")), []
    report, _ = ingest(source, "stop", made, told.append)
    faces = read_faces(made / "labelled")
    assert faces.table["name"].tolist() == [*names[:2]]
    assert faces.table["usage"].tolist() == ["Training", "PublicTest"]
    assert faces.labels.tolist() == [3, 4]
    assert (faces.pixels == FACES[:2]).all()
    assert (read_faces(made / "unlabelled").pixels == FACES[[2]]).all()
    assert list(report.files) == ["raw"]
    assert sum(told) == source.size


def test_a_test_file_beside_the_one_that_is_named_is_pointed_out(
    tmp_path, monkeypatch, params, capsys
):
    monkeypatch.chdir(tmp_path)
    train = [(label, text) for label in range(7) for text in TEXTS[:2]]
    write_source(tmp_path / "raw", train, TEXTS[:3], {"eyes": np.ones((14, 48, 48), bool)})
    data = params.data.model_copy(update={"source": "raw/train.csv"})
    work(Stage("ingest", params.model_copy(update={"data": data})))
    assert list(json.loads(layout.INGESTED.read_text())["files"]) == ["train.csv"]
    said = "ingest: not read: test.csv: beside train.csv: name the folder in data.source to have"
    assert said in capsys.readouterr().out
    assert len(read_faces(layout.UNLABELLED)) == 0
    assert not np.load(layout.REGIONS).files


def test_a_result_for_a_program_stands_alone(tmp_path, monkeypatch, params, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.ingest.stage.MANY", 4)  # faces for which a recipe is recommended
    write_source(tmp_path / "raw", TRAIN)
    data = params.data.model_copy(update={"source": "raw"})
    stage = Stage("ingest", params.model_copy(update={"data": data}), as_json=True)
    work(stage)
    stage.tell("not for a program")
    said = capsys.readouterr()
    assert json.loads(said.out)["labelled"]["faces"] == 4
    assert "not for a program" in said.err
