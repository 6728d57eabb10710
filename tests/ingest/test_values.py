"""Pictures of every common kind become the face that they show, or a line that says why not."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UserError
from pipeline.ingest.kinds import kind_of
from pipeline.ingest.parts import part_of
from pipeline.ingest.pictures import read_image
from pipeline.ingest.sources import locate

from .files import encoded, png, put
from .test_layouts import COUNTS, LAYOUTS, folders, picture, read

SMOOTH = np.clip(40 + 3 * np.arange(48)[:, None] + np.arange(48)[None], 0, 255).astype(np.uint8)
"""Grey levels 40 to 228, all of them even where a kind keeps fewer."""


def exif_last(png):
    """The same PNG, with how it is turned behind its pixels."""
    at = png.index(b"eXIf") - 4
    chunk = png[at : at + 12 + int.from_bytes(png[at : at + 4], "big")]
    return png.replace(chunk, b"").replace(png[-12:], chunk + png[-12:])


GREY = Image.fromarray(SMOOTH)
TURNED = Image.Exif()
TURNED[0x0112] = 6  # which says: turn me by 90 degrees clockwise

KINDS = {
    "PNG": (encoded(GREY), 0),
    "JPEG": (encoded(GREY, "JPEG", quality=95), 3),
    "JPEG in CMYK": (encoded(GREY.convert("CMYK"), "JPEG", quality=95), 4),
    "WebP": (encoded(GREY.convert("RGB"), "WEBP", lossless=True), 1),
    "BMP": (encoded(GREY, "BMP"), 0),
    "PGM": (encoded(GREY, "PPM"), 0),
    "TIFF": (encoded(GREY, "TIFF"), 0),
    "GIF, the first of two frames": (
        encoded(GREY, "GIF", save_all=True, append_images=[Image.new("L", (48, 48))]), 0,
    ),
    "a palette": (encoded(GREY.convert("P")), 0),
    "alpha": (encoded(Image.merge("LA", (GREY, Image.new("L", (48, 48), 255)))), 0),
    "colours": (encoded(GREY.convert("RGB")), 0),
    "16 bits": (encoded(Image.fromarray(SMOOTH.astype(np.uint16) * 257)), 0),
    "16 bits of which 12 are used": (encoded(Image.fromarray(SMOOTH.astype(np.uint16) * 16)), 0),
    "16 bits of which 8 are used": (encoded(Image.fromarray(SMOOTH.astype(np.uint16))), 0),
    "TIFF of 16 bits": (encoded(Image.fromarray(SMOOTH.astype(np.uint16) * 257), "TIFF"), 0),
    "TIFF of fractions 0 to 1": (encoded(Image.fromarray(SMOOTH / np.float32(255)), "TIFF"), 0),
    "TIFF of fractions 0 to 255": (encoded(Image.fromarray(SMOOTH.astype(np.float32)), "TIFF"), 0),
    "a JPEG that lies on its side": (
        encoded(GREY.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=TURNED), 3,
    ),
    "a PNG that lies on its side": (
        encoded(GREY.transpose(Image.Transpose.ROTATE_90), exif=TURNED), 0,
    ),
    "a PNG that says so at its end": (
        exif_last(encoded(GREY.transpose(Image.Transpose.ROTATE_90), exif=TURNED)), 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_face_that_it_shows(kind):
    content, error = KINDS[kind]
    assert np.abs(read_image(content).astype(int) - SMOOTH).max() <= error
    assert kind_of("face", content[:512]) == "picture"  # whatever its name


def coloured_16(grey):
    rows = np.repeat(grey.astype(">u2")[:, :, None], 3, axis=2)
    return png(b"".join(b"\0" + row.tobytes() for row in rows), 16, 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (coloured_16(SMOOTH), "16 bits a colour, of which only the lowest"),
        (encoded(Image.fromarray(SMOOTH - np.float32(99)), "TIFF"), "values -59 to "),
        (encoded(Image.fromarray(SMOOTH * np.float32(9)), "TIFF"), "expected 0 to 1, 0 to 255"),
        (encoded(Image.fromarray(np.full((48, 48), np.nan, np.float32)), "TIFF"), "values nan"),
    ],
)
def test_values_that_mean_nothing_are_said(content, said):
    with pytest.raises(ValueError, match=said):
        read_image(content)


def test_coloured_16_bits_are_read():
    assert (read_image(coloured_16(SMOOTH.astype(np.uint16) * 257)) == SMOOTH).all()


def test_a_png_of_the_usual_size_is_what_pillow_shows_however_its_rows_are_filtered(tmp_path):
    rng, files = np.random.default_rng(0), {}
    for n in range(60):
        rows = rng.integers(-4, 5, (48, 49)) if n % 2 else rng.integers(0, 256, (48, 49))
        rows[:, 0] = rng.integers(0, 5, 48) if n % 3 else n // 3 % 5
        files[f"happy/{n:02}.png"] = png(rows.astype(np.uint8).tobytes())
    source = locate(str(put(tmp_path / "raw", files)))
    (batch,) = source.labelled[0].batches(source.labels)
    for face, content in zip(batch.pixels, files.values(), strict=True):
        assert (face == np.asarray(Image.open(io.BytesIO(content)))).all()


def test_endings_do_not_matter_and_what_is_no_picture_is_named(tmp_path):
    files = folders(list(COUNTS))
    endings = [".jfif", ".webp", ".bmp", ".tif", ".gif", ".pgm", "", ".JPG", ".photo"]
    names = [name.removesuffix(".png") + endings[n % 9] for n, name in enumerate(files)]
    files = dict(zip(names, files.values(), strict=True))
    noise = ["angry/.DS_Store", "angry/Thumbs.db", "desktop.ini", "__MACOSX/angry/._1.png"]
    files |= dict.fromkeys(noise, b"x")
    files |= {"angry/notes.txt": b"none", "preview.png": picture(3)}
    found = read(put(tmp_path / "raw", files))
    assert found.labelled.classes == COUNTS
    assert {each.first[0]: each.reason for each in found.passed} == {
        "preview.png": "a picture outside the class folders",
        "angry/notes.txt": "neither a picture nor a CSV file of faces",
    }
    assert found.unlabelled.faces == 0


def test_unlabelled_faces_are_those_that_the_source_calls_so(tmp_path):
    files = {f"train/{name}": content for name, content in folders(list(COUNTS)).items()}
    files |= {"unlabelled/a.png": picture(20), "test/b.png": picture(21), "c.png": picture(22)}
    files |= {"train/d.png": picture(23), "valid/happy/.hidden.png": picture(24)}
    files |= {"unlabelled/1/e.png": picture(25), "Unlabelled/happy/f.png": picture(26)}
    found = read(put(tmp_path / "raw", files))
    assert (found.labelled.classes, found.unlabelled.faces) == (COUNTS, 4)
    assert {each.reason: each.first for each in found.passed} == {
        "a picture outside the class folders": ["c.png", "train/d.png"],
        "a class folder without a picture": ["valid/happy"],
    }


def test_a_picture_that_is_missing_is_not_taken_from_another_part(tmp_path):
    said = b"image,label\ntrain/1.png,happy\nC:\\faces\\train\\2.png,sad\ndata/test/3.png,fear\n"
    said += b"train/4,angry\n"
    names = ("train/1", "test/2", "test/3", "train/4_aligned", "test/4")
    files = {f"{name}.png": picture(n) for n, name in enumerate(names)}
    found = read(put(tmp_path / "raw", {**files, "labels.csv": said}))
    assert {each.said for each in found.read_as} == {"happy", "fear", "angry"}
    assert {each.reason: each.first for each in found.passed} == {
        "a row of a list without its picture": [r"labels.csv: C:\faces\train\2.png"],
        "a picture without a row in the list": ["test/2.png", "test/4.png"],
    }


def test_blank_lines_and_capitals_in_a_list_without_a_header_change_nothing(tmp_path):
    files, labels = LAYOUTS["RAF-DB, the authors'"]
    changed = {
        name: b"\xef\xbb\xbf" + content.upper().replace(b"\n", b"\r\n\r\n") + b"\n\n"
        for name, content in files.items()
        if name.endswith(".txt")
    }
    renamed = {
        name.replace("train", "TRAIN").replace("test", "TEST"): files[name] for name in files
    }
    assert read(put(tmp_path / "raw", renamed | changed), labels).labelled.classes == COUNTS


SET_ASIDE = {"unlabelled/0.png": picture(20)} | {
    f"unlabelled/1/{name}": picture(20 + n % 10)
    for n, name in enumerate(("AF01ANS.JPG", "KA.AN1.39.tiff", "0001.png", *"abcdefghijklmnopqrst"))
}
"""More pictures than have labels, some of names that these have."""


@pytest.mark.parametrize(
    "layout",
    [
        "KDEF",
        "JAFFE",
        "a list beside pictures",
        "a list beside numbered folders",
        "RAF-DB, the authors'",
    ],
)
def test_a_folder_of_unlabelled_faces_may_lie_beside_codes_and_lists(tmp_path, layout):
    files, labels = LAYOUTS[layout]
    found = read(put(tmp_path / "raw", {**files, **SET_ASIDE}), labels)
    assert (found.labelled.classes, found.unlabelled.faces) == (COUNTS, len(SET_ASIDE))
    assert not found.passed


def test_a_constant_picture_is_named_where_it_is_read(tmp_path):
    files = folders(list(COUNTS))
    files |= {f"sad/black{n}.png": encoded(Image.new("L", (48, 48))) for n in range(5)}
    found = read(put(tmp_path / "raw", files))
    assert found.labelled.constant == 5
    assert found.constant == [f"raw: sad/black{n}.png" for n in range(3)]


def test_a_class_of_pictures_that_cannot_be_read_does_not_vanish(tmp_path):
    files = folders(list(COUNTS))
    files = {
        n.replace(".png", ".heic"): b"ftypheic" if "fear" in n else c for n, c in files.items()
    }
    with pytest.raises(UserError, match="all 2 faces of class 'fear' would be dropped"):
        read(put(tmp_path / "raw", files), on_bad_row="drop")


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ("Training train TRAIN train_set fer2013_train training-data Train1", "Training"),
        ("PublicTest public_test Public Test valid Validation dev val val_set", "PublicTest"),
        ("PrivateTest private-test test Testing test_set fer_test", "PrivateTest"),
        ("archive faces images traintest latest contest devices", None),
    ],
)
def test_parts_go_by_all_their_names(names, part):
    for name in names.replace("Public Test", "Public+Test").split():
        assert part_of(name.replace("+", " ")) == part, name


def test_a_list_named_like_a_part_is_a_list(tmp_path):
    files = {f"train/{n}.png": picture(n) for n in range(3)}
    files |= {"train.csv": b"image,label\n0.png,3\n1.png,4\n9.png,0\n", "test/a.png": picture(9)}
    found = read(put(tmp_path / "raw", files))
    assert (found.labelled.classes["happy"], found.labelled.classes["sad"]) == (1, 1)
    assert {each.reason: each.first for each in found.passed} == {
        "a row of a list without its picture": ["train.csv: 9.png"],
        "a picture without a row in the list": ["test/a.png", "train/2.png"],
    }
