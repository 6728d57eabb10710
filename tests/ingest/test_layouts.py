"""Each row of docs/sources.md: a small set in that layout is read as the row says."""

import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.faces.store import read_faces
from pipeline.ingest.ingest import ingest
from pipeline.ingest.result import Ingested
from pipeline.ingest.sources import locate
from pipeline.ingest.words import lines

from ..conftest import ROOT
from .files import encoded, put, table, tarred, zipped

FACES = np.random.default_rng(3).integers(0, 256, (30, 48, 48)).astype(np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]

COUNTS = {"angry": 3, "disgust": 1, "fear": 2, "happy": 4, "sad": 2, "surprise": 2, "neutral": 3}
"""Faces of each expression in every layout below."""

ORDER = [label for label, count in enumerate(COUNTS.values()) for _ in range(count)]
FER2013, RAFDB, AFFECTNET = "0123456", "6324517", "6541230"
"""The number of each of `EXPRESSIONS`."""

PARTS = ["Training", "PublicTest", "PrivateTest"]


def picture(number, kind="PNG"):
    return encoded(Image.fromarray(FACES[number]), kind)


def folders(names, form="{name}/{n}.png", extra=0, parts=("train", "valid", "test")):
    """Pictures in a folder for each name."""
    files = {}
    for n, label in enumerate(ORDER):
        files[form.format(name=names[label], n=n, part=parts[n % 3])] = picture(n)
    for n in range(extra):
        files[form.format(name=names[7], n=90 + n, part="train")] = picture(20 + n)
    return files


def rows(names, count=17):
    """A CSV file with these labels."""
    return table("label,feature", [names[k] for k in ORDER[:count]], TEXTS[:count])


USAGES = [PARTS[n % 3] for n in range(len(ORDER))]
WHOLE = table("emotion,pixels,Usage", ORDER, TEXTS[: len(ORDER)], USAGES)
KAGGLE = {
    "train.csv": table("emotion,pixels", ORDER[:9], TEXTS[:9]),
    "test.csv": table("pixels", TEXTS[9:17]),
    "icml_face_data.csv": table("emotion, Usage, pixels", ORDER, USAGES, TEXTS[: len(ORDER)]),
    "example_submission.csv": table("id,prediction", range(8), [0] * 8),
}
COURSEWORK = {
    "train.csv": table("label,feature", ORDER, TEXTS[: len(ORDER)]),
    "test.csv": table("id,feature", range(5), TEXTS[20:25]),
}
LABELLED_PARTS = {
    f"{part}.csv": table("label,feature", ORDER[n::3], TEXTS[n : len(ORDER) : 3])
    for n, part in enumerate(("train", "val", "test"))
}
COLUMNS = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
VOTED = (4, 5, 6, 1, 3, 2, 0)
"""The column of each of `EXPRESSIONS` among those of votes."""


def ballot(place):
    return ",".join("9" if i == place else "1" if i == (place + 1) % 10 else "0" for i in range(10))


FERPLUS = {
    "fer2013.csv": table(
        "emotion,pixels,Usage", [0] * 19, TEXTS[:19], [*USAGES, PARTS[2], PARTS[2]]
    ),
    "fer2013new.csv": table(
        COLUMNS,
        [*USAGES, PARTS[2], PARTS[2]],
        ["x.png"] * 17 + ["", "y.png"],
        [*(ballot(VOTED[k]) for k in ORDER), ballot(9), "3,3,3,0,0,0,0,0,0,0"],
    ),
}
KDEF = ["AN", "DI", "AF", "HA", "SA", "SU", "NE"]
JAFFE = ["AN", "DI", "FE", "HA", "SA", "SU", "NE"]
RAFDB_LIST = {
    **{
        f"basic/Image/aligned/{'test' if n % 3 else 'train'}_{n:05}_aligned.jpg": picture(n, "JPEG")
        for n in range(len(ORDER))
    },
    "basic/EmoLabel/list_patition_label.txt": "\n".join(
        f"{'test' if n % 3 else 'train'}_{n:05}.jpg {RAFDB[label]}" for n, label in enumerate(ORDER)
    ).encode(),
}
LIST = {f"images/{n:04}.png": picture(n) for n in range(len(ORDER))}


NAMES = list(EXPRESSIONS)
ED = ["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"]
CK = ["anger", "disgust", "fear", "happy", "sadness", "surprise", "neutral", "contempt"]
NUMBERED = [f"{n}_{name}" for n, name in enumerate(EXPRESSIONS)]
ODD = ["Angry", "disgust", "afraid", "JOY", "sadness", "surprise", "natural"]


def listed(said):
    """A list of the pictures with their labels."""
    return table("image,label", [f"{n:04}.png" for n in range(17)], said)


AUTO = {
    "the coursework's folder": COURSEWORK,
    "Kaggle's challenge, its folder": KAGGLE,
    "FER2013, fer2013.csv": {"fer2013.csv": WHOLE},
    "FER2013, fer2013.tar.gz": {
        "fer2013.tar.gz": tarred({"fer2013/fer2013.csv": WHOLE, "fer2013/README": b"Read"})
    },
    "FER2013 as pictures": folders(ED, "{part}/{name}/im{n}.png"),
    "FER2013 as pictures, its own parts": folders(NAMES, "{part}/{name}/im{n}.png", parts=PARTS),
    "Kaggle's archive.zip": {
        "archive.zip": zipped(folders(ED, "archive/archive/{part}/{name}/{n}.png"))
    },
    "FER+": FERPLUS,
    "KDEF": {
        f"KDEF/AF{n:02}/AF{n:02}{KDEF[k]}S.JPG": picture(n, "JPEG") for n, k in enumerate(ORDER)
    },
    "JAFFE": {
        f"jaffe/{'KA' if n < 10 else 'KM'}.{JAFFE[k]}{n % 10}.{n + 9}.tiff": picture(n, "TIFF")
        for n, k in enumerate(ORDER)
    },
    "class folders": folders(ODD),
    "numbered class folders": folders(NUMBERED),
    "class folders of numbers": folders(FER2013),
    "a list beside pictures": {**LIST, "labels.csv": listed(ORDER)},
    "a list of names beside pictures": {
        **LIST,
        "legend.csv": table(
            "user,image,emotion",
            [0] * 17,
            [f"{n:04}.png" for n in range(17)],
            [ODD[label].upper() for label in ORDER],
        ),
    },
    "a list beside numbered folders": {
        **{f"images/{n % 5}/{n:04}.png": picture(n) for n in range(17)},
        "labels.csv": listed([ODD[label] for label in ORDER]),
    },
    "labelled parts beside each other": LABELLED_PARTS,
    "a zip for each file": {f"{name}.zip": zipped({name: c}) for name, c in COURSEWORK.items()},
    "numbers as floats": {"faces.csv": rows([f"{label}.0" for label in range(7)])},
    "a list of numbers as floats": {**LIST, "labels.csv": listed([f"{k}.0" for k in ORDER])},
    "names in the label column": {"faces.csv": rows(CK)},
}
"""Layouts that are read as they are."""

LAYOUTS = {name: (files, "auto") for name, files in AUTO.items()} | {
    "RAF-DB, the authors'": (RAFDB_LIST, "raf-db"),
    "RAF-DB, Kaggle's": (
        {
            **folders(RAFDB, "DATASET/{part}/{name}/{n}_aligned.png"),
            "train_labels.csv": table("image,label", ["0_aligned.png"], [6]),
        },
        "raf-db",
    ),
    "AffectNet, the authors'": (
        {
            **{
                f"Manually_Annotated_Images/{1 + n % 9}/{n // 9}.jpg": picture(n, "JPEG")
                for n in range(len(ORDER))
            },
            "training.csv": table(
                "subDirectory_filePath,face_x,expression",
                [f"{1 + n % 9}/{n // 9}.jpg" for n in range(17)],
                [0] * 17,
                [AFFECTNET[label] for label in ORDER],
            ),
        },
        "affectnet",
    ),
    "AffectNet, folders of numbers": (
        folders(AFFECTNET + "7", "{part}/{name}/{n}.png", 2),
        "affectnet",
    ),
    "AffectNet, folders of names": (folders(CK, "Train/{name}/{n}.png", 2), "affectnet"),
    "KDEF, folders of codes": (folders(KDEF), "kdef"),
    "CK+48": (folders(CK, "CK+48/{name}/S010_{n}.png", 3), {"contempt": "drop"}),
    "class folders of other numbers": (
        folders("abcdefg"),
        dict(zip("abcdefg", EXPRESSIONS, strict=True)),
    ),
}
"""All, each with the setting with which it is read."""


def read(path, labels="auto", on_bad_row="stop") -> Ingested:
    return ingest(locate(str(path), labels), on_bad_row, Path(path).parents[1] / "made")[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_published_layout_is_read_as_the_document_says(tmp_path, layout):
    files, labels = LAYOUTS[layout]
    found = read(put(tmp_path / "raw", files), labels)
    assert found.labelled.classes == COUNTS
    assert found.labelled.constant == 0
    understood = {(each.expression, each.faces) for each in found.read_as if each.expression}
    assert understood == set(COUNTS.items())


SAID = {
    "KDEF's letters": (LAYOUTS["KDEF"][0], "auto", "read AF as fear (2 faces), AN as angry (3"),
    "KDEF's people": (LAYOUTS["KDEF"][0], "auto", "accuracies are those of people who trained as"),
    "JAFFE's, one left out": (
        LAYOUTS["JAFFE"][0], {"NE": "drop"}, "SU as surprise (2 faces); left out NE (3 faces)",
    ),
    "rows without a label": (
        {"a.csv": table("label,feature", [*ORDER, "", ""], TEXTS[:19])}, {"": "drop"},
        "left out an empty label (2 faces)",
    ),
    "no face of two": (
        {"a.csv": rows(FER2013, 12)}, "fer2013", "surprise and neutral have no face: they cannot",
    ),
    "RAF-DB's six": (
        {path: content for path, content in folders(RAFDB).items() if path[0] != "7"}, "auto",
        "without 0 they are more likely RAF-DB's (data.labels: raf-db)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_was_understood_is_said(tmp_path, case):
    files, labels, said = SAID[case]
    assert said in "\n".join(lines(read(put(tmp_path / "raw", files), labels)))


def test_the_document_lists_these_layouts_with_these_settings():
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|", DOCUMENT, re.MULTILINE)
    listed = {name: setting for name, _, setting in rows if name in LAYOUTS}
    assert set(listed) == set(LAYOUTS)
    for name, setting in listed.items():
        labels = LAYOUTS[name][1]
        if isinstance(labels, str) and labels != "auto":
            assert f"data.labels: {labels}" in setting


DOCUMENT = (ROOT / "docs/sources.md").read_text() if (ROOT / "docs/sources.md").exists() else ""

PACKINGS = {
    "faces.tar": lambda files: tarred(files, "w"),
    "faces.tgz": tarred,
    "faces.tar.xz": lambda files: tarred(files, "w:xz"),
    "faces.tar.bz2": lambda files: tarred(files, "w:bz2"),
    "faces.zip": zipped,
    "fer2013.csv": tarred,  # a wrong ending
    "faces.dat": zipped,
}


INSIDE = {
    "pictures": folders(ED, "set/{part}/{name}/{n}.png"),
    "a file": {"a/fer2013.csv": WHOLE},
    "a list for each part, of the same names": {
        **{f"set/{PARTS[n % 3]}/{n // 3}.png": picture(n) for n in range(17)},
        **{
            f"set/{part}/labels.csv": table(
                "image,label", [f"{n}.png" for n in range(len(ORDER[k::3]))], ORDER[k::3]
            )
            for k, part in enumerate(PARTS)
        },
    },
}


@pytest.mark.parametrize("name", PACKINGS)
@pytest.mark.parametrize("inside", INSIDE)
def test_an_archive_is_read_like_the_folder_it_was_made_of(tmp_path, name, inside):
    put(tmp_path / "raw", {name: PACKINGS[name](INSIDE[inside])})
    for source in (tmp_path / "raw" / name, tmp_path / "raw"):
        found = read(source)
        assert found.labelled.classes == COUNTS
        sizes = {part: sum(faces.values()) for part, faces in found.parts.items()}
        assert sizes == {"Training": 6, "PublicTest": 6, "PrivateTest": 5}
        assert not found.passed


@pytest.mark.parametrize("files", [COURSEWORK, LABELLED_PARTS], ids=["coursework", "parts"])
def test_a_column_of_parts_in_one_file_leaves_no_file_beside_it_out(tmp_path, files):
    before = read(put(tmp_path / "raw", files))
    parted = files["train.csv"].replace(b"\n", b",Training\n").replace(b"Training", b"Usage", 1)
    found = read(put(tmp_path / "raw", {"train.csv": parted}))
    assert (found.read, found.passed) == (before.read, [])
    assert found.parts["Training"]["angry"]


@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_files_of_one_name_in_an_archive_the_last_is_read(tmp_path, name):
    source = put(tmp_path / "raw", {"happy/1.png": picture(0), "sad/2.png": picture(1)})
    archive = tmp_path / "raw" / name
    with zipfile.ZipFile(archive, "w") if name == "a.zip" else tarfile.open(archive, "w") as packed:
        add = getattr(packed, "write", None) or packed.add
        for _ in range(2):
            add(source / "happy/1.png", "./happy/1.png")
            add(source / "sad/2.png", "sad/2.png")
            put(source, {"happy/1.png": picture(2)})
    assert read(archive).labelled.faces == 2
    assert (read_faces(tmp_path / "made/labelled").pixels == FACES[[2, 1]]).all()


def test_a_zip_for_each_file_in_a_folder_below_is_not_called_unread(tmp_path):
    zips = {f"below/{name}.zip": zipped({name: content}) for name, content in COURSEWORK.items()}
    found = read(put(tmp_path / "raw", zips))
    assert found.read == {"below/train.csv.zip": 17, "below/test.csv.zip": 5}
    assert not found.passed
