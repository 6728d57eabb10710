"""What a refusal advises works: followed to the letter, it does not lead to a second one."""

import io
import re
import stat
import tarfile
import zipfile

import pytest
import yaml

from pipeline.errors import UserError
from pipeline.ingest.compressed import most_unpacked
from pipeline.ingest.sources import locate

from .files import put, table, tarred, zipped
from .test_layouts import (
    AFFECTNET,
    COLUMNS,
    COUNTS,
    FER2013,
    FERPLUS,
    JAFFE,
    KDEF,
    NAMES,
    ORDER,
    RAFDB,
    RAFDB_LIST,
    TEXTS,
    USAGES,
    VOTED,
    ballot,
    folders,
    picture,
    read,
    rows,
)  # fmt: skip

FERPLUS_NUMBERS = "4561320"

SETTING = re.compile(r"data\.labels: (\{[^}]*\}|[\w-]+)")


ADVISED = {
    "AffectNet's eight": (folders(AFFECTNET + "7", extra=2), "input/7: '7' is no expression"),
    "FER+'s eight": (folders(FERPLUS_NUMBERS + "7", extra=2), r"or FER\+'s \(data.labels: fer"),
    "KDEF's letters": (folders(KDEF), "no folder that names an expression; if folders are classes"),
    "JAFFE's letters, by part": (folders(JAFFE, "{part}/{name}/{n}.png"), "JAFFE's letters"),
    "names in longer ones": (
        folders([f"{name}_faces" for name in NAMES]), 'labels: {"angry_faces": angry, "disgust_f',
    ),
    "contempt in two spellings": (
        {**folders([*NAMES, "contempt"], extra=1), **folders([*NAMES, "Contempt"], extra=1)},
        r"{Contempt: drop}|{contempt: drop}",
    ),
    "eleven numbers": (
        {**folders(AFFECTNET + "7", extra=2), "10/x.png": picture(20)}, "0 to 10 are AffectNet's",
    ),
    "nine numbers": (
        {**folders(AFFECTNET + "7", extra=2), "8/x.png": picture(20)},
        r"0 to 8 are .*\"7\": drop, \"8\": drop",
    ),
    "a digit that is no number": (folders([*NAMES, "²"], extra=2), "input/²: '²' is no expr"),
    "rows without a label": (
        {"a.csv": rows(NAMES) + f",{TEXTS[20]}\n,{TEXTS[21]}\n".encode()}, "row 18: label: ''",
    ),
    "RAF-DB's seven": (folders(RAFDB), "7: '7' is no expression"),
    "RAF-DB's list": (RAFDB_LIST, "list_patition_label.txt: .* label '7'"),
    "contempt": (folders([*NAMES, "contempt"], extra=2), "input/contempt: 'contempt' is no expr"),
    "contempt among parts": (
        folders([*NAMES, "Contempt"], "{part}/{name}/{n}.png", 2), "input/train/Contempt",
    ),
    "a file of RAF-DB's numbers": ({"a.csv": rows(RAFDB)}, "a.csv: row .*: label: '7'"),
    "a file of AffectNet's": (
        {"a.csv": rows(AFFECTNET) + f"7,{TEXTS[20]}\n7,{TEXTS[21]}\n".encode()}, "label: '7'",
    ),
    "a file with an eighth name": (
        {"a.csv": rows(NAMES) + f"contempt,{TEXTS[20]}\n".encode()}, "row 18: label: 'contempt'",
    ),
    "votes in another order": (
        {**FERPLUS, "fer2013.csv": FERPLUS["fer2013.csv"].replace(b"PrivateTest", b"PublicTest")},
        "fer2013new.csv: row 3 is of another part than row 3 of fer2013.csv",
    ),
    "votes on other rows": (
        {**FERPLUS, "fer2013.csv": b"\n".join(FERPLUS["fer2013.csv"].split(b"\n")[:9]) + b"\n"},
        "fer2013new.csv: votes on 19 rows, and fer2013.csv has 8",
    ),
    "votes cut short": (
        {
            **FERPLUS,
            "fer2013new.csv": b"\n".join(FERPLUS["fer2013new.csv"].split(b"\n")[:9]) + b"\n",
        },
        "fer2013new.csv: votes on 8 rows, and fer2013.csv has more; take both files as",
    ),
    "votes that are none": (
        {**FERPLUS, "fer2013new.csv": FERPLUS["fer2013new.csv"].replace(b",9,", b",nine,", 1)},
        "fer2013new.csv: row .*: expected a number of votes",
    ),
}  # fmt: skip
"""Files, what is said of them, which advises a setting."""


@pytest.mark.parametrize("case", ADVISED)
def test_the_setting_that_is_advised_reads_them(tmp_path, case):
    files, said = ADVISED[case]
    source = put(tmp_path / "input", files)
    with pytest.raises(UserError, match=said) as refusal:
        read(source)
    assert len(str(refusal.value)) - len(str(tmp_path)) < 400
    advised = [yaml.safe_load(each) for each in SETTING.findall(str(refusal.value))]
    labels = advised["FER+" in case]  # the second of two
    found = read(source, labels)
    assert found.dropped == 0
    if "votes" not in case:
        assert found.labelled.classes == COUNTS


@pytest.mark.parametrize("on_bad_row", ["stop", "drop"])
def test_a_row_too_many_for_the_votes_is_said_before_what_is_wrong_with_it(tmp_path, on_bad_row):
    files = {**FERPLUS, "fer2013.csv": FERPLUS["fer2013.csv"] + b"1,2\n"}
    with pytest.raises(UserError, match=r"votes on 19 rows, and fer2013\.csv has more"):
        read(put(tmp_path / "raw", files), on_bad_row=on_bad_row)


def test_a_list_that_is_named_itself_says_to_name_the_folder(tmp_path):
    files = {"1.png": picture(1), "labels.csv": b"Image,label\n1.png,3\n"}
    source = put(tmp_path / "raw", files)
    with pytest.raises(UserError, match=r"labels.csv: .* name the folder of both in data.source"):
        read(source / "labels.csv")
    assert read(source).labelled.faces == 1


@pytest.mark.parametrize("files", [folders("0123456"), {"a.csv": rows("0123456")}])
def test_faces_that_are_all_left_out_are_counted(tmp_path, files):
    with pytest.raises(UserError, match=r"none of 17 rows is a face: all are left out by data"):
        read(put(tmp_path / "raw", files), dict.fromkeys("0123456", "drop"))


def test_a_name_of_two_lines_stays_in_one(tmp_path):
    source = put(tmp_path / "input", folders(NAMES) | {f"{NAMES[3]}/x\ny.png": b"no picture"})
    with pytest.raises(UserError) as refusal:
        read(source)
    assert r"x\ny.png: not an image" in str(refusal.value)


@pytest.mark.parametrize("numbers", [RAFDB, AFFECTNET])
def test_dropping_takes_no_class_away_in_silence(tmp_path, numbers):
    content = rows(numbers)
    if "7" not in numbers:
        content += f"7,{TEXTS[20]}\n7,{TEXTS[21]}\n".encode()
    with pytest.raises(UserError, match=r"label .7. of . of .. rows means") as refusal:
        read(put(tmp_path / "raw", {"a.csv": content}), on_bad_row="drop")
    labels = SETTING.search(str(refusal.value))[1]
    assert read(tmp_path / "raw", labels).labelled.classes == COUNTS


def test_a_spelling_may_be_dropped_whose_class_has_faces_in_another(tmp_path):
    slip = rows(NAMES) + b"Happy,1 2\n"
    found = read(put(tmp_path / "raw", {"a.csv": slip}), on_bad_row="drop")
    assert (found.labelled.classes, found.dropped) == (COUNTS, 1)


@pytest.mark.parametrize(
    ("own", "on_bad_row", "left"),
    [
        ({"1": "surprise", "4": "happy"}, "stop", {"surprise": 2, "happy": 4}),
        ("raf-db", "drop", COUNTS | {"disgust": 0}),
    ],
)
def test_a_map_that_is_advised_keeps_what_the_setting_said(tmp_path, own, on_bad_row, left):
    files = folders(RAFDB)
    if on_bad_row == "drop":
        files |= {name: b"no picture" for name in files if name[0] == "3"}
    source = put(tmp_path / "raw", files)
    with pytest.raises(UserError, match=r"data.labels: \{") as refusal:
        read(source, own, on_bad_row)
    found = read(source, yaml.safe_load(SETTING.search(str(refusal.value))[1]), on_bad_row)
    assert found.labelled.classes == {name: left.get(name, 0) for name in NAMES}


def test_advice_beside_votes_is_of_the_numbers_that_are_read_without_them(tmp_path):
    texts = ["1 2" if label == 1 else text for label, text in zip(ORDER, TEXTS, strict=False)]
    votes = [ballot(VOTED[label]) for label in ORDER]
    files = {
        "fer2013.csv": table("emotion,pixels,Usage", ORDER, texts, USAGES),
        "fer2013new.csv": table(COLUMNS, USAGES, ["x.png"] * len(ORDER), votes),
    }
    source, setting = put(tmp_path / "raw", files), "auto"
    for _ in range(2):  # with a map votes count no more, and 1 is disgust instead
        with pytest.raises(UserError, match="and disgust with them") as refusal:
            read(source, setting, "drop")
        setting = yaml.safe_load(SETTING.search(str(refusal.value))[1])
    assert read(source, setting, "drop").labelled.classes == COUNTS | {"disgust": 0}


@pytest.mark.parametrize("labelled", [folders("0123456"), {}])
def test_pictures_that_are_all_called_unlabelled_are_said_to_be(tmp_path, labelled):
    files = {f"unlabelled/{name}": content for name, content in labelled.items()} or {
        "unlabelled/1.png": picture(1),
        "labels.csv": b"image,label\n1.png,happy\n",
    }
    with pytest.raises(UserError, match="below a folder that calls them unlabelled: rename it"):
        read(put(tmp_path / "raw", files))


def test_numbers_that_are_expected_are_those_of_the_setting(tmp_path):
    said = "'0' is no expression; .*, neutral, or 1, 2, 3, 4, 5, 6, 7; raf-db has none"
    with pytest.raises(UserError, match=said):
        read(put(tmp_path / "raw", folders(FER2013)), "raf-db")


def test_a_map_may_write_numbers_as_the_file_does(tmp_path):
    floats = [f"{number}.0" for number in AFFECTNET]
    source = put(tmp_path / "raw", {"a.csv": rows(floats)})
    found = read(source, dict(zip(floats, NAMES, strict=True)))
    assert (found.labelled.classes, found.assumed) == (COUNTS, [])


def test_a_rare_class_is_no_slip_and_can_be_left_out(tmp_path):
    many = [(label, text) for label in range(7) for text in TEXTS] * 2
    seven = [(7, TEXTS[20]), (7, TEXTS[21])]
    source = put(
        tmp_path / "raw", {"a.csv": table("label,feature", *zip(*many, *seven, strict=True))}
    )
    with pytest.raises(
        UserError, match=r"label '7' of 2 of 422 .* out with data.labels: {\"7\": drop}"
    ):
        read(source, on_bad_row="drop")
    assert read(source, {7: "drop"}).labelled.faces == 420
    put(source, {"a.csv": table("label,feature", *zip(*many, *seven[:1], (7, "1 2"), strict=True))})
    assert read(source, on_bad_row="drop").dropped == 2


def test_all_unknown_names_of_a_long_file_are_in_one_refusal(tmp_path):
    names = [name for name in GERMAN for _ in range(60)]
    content = table("label,feature", names, TEXTS[:30] * 14)
    with pytest.raises(UserError, match=r"row 1: label: 'wut'; .*, schreck: drop}"):
        read(put(tmp_path / "raw", {"a.csv": content}))


GOOD = folders(NAMES)
GERMAN = ["wut", "ekel", "angst", "freude", "trauer", "schreck", "neutral"]
MEANT = dict(zip(GERMAN, NAMES, strict=True))
UNKNOWN = r"set data.labels: \{angst: drop, ekel: drop, freude: drop, schreck: drop, trauer: drop,"
LETTERS = dict(zip("abcdefg", NAMES, strict=True))
PARTED = (
    rows("0123456").replace(b"\n", b",Training\n").replace(b"feature,Training", b"feature,Usage")
)


def pixels(change):
    """A file whose grey values are written otherwise."""
    return table("label,feature", ORDER, [f'"{change(text)}"' for text in TEXTS[:17]])


OTHERWISE = {
    "folders in another language": (folders(GERMAN), UNKNOWN, MEANT, {}),
    "a file in another language": (
        {"a.csv": rows(GERMAN)}, r"\{wut: drop, ekel: drop, angst: drop, freude: drop,", MEANT, {},
    ),
    "folders of letters": (folders("abcdefg"), r"\{a: drop, b: drop, c: drop,", LETTERS, {}),
    "semicolons": (
        {"train.csv": rows("0123456").replace(b",", b";")}, "save it anew with commas", "auto",
        {"train.csv": rows("0123456")},
    ),
    "a column a pixel": (
        {
            "train.csv": table(
                ",".join(["label", *(f"pixel{n}" for n in range(2304))]),
                ORDER, [text.replace(" ", ",") for text in TEXTS[:17]],
            )
        },
        "write the 2,304 values of a face into one column, with blanks", "auto",
        {"train.csv": rows("0123456")},
    ),
    "pixels in brackets": (
        {"a.csv": pixels(lambda text: f"[{text.replace(' ', ', ')}]")},
        "write only whole numbers with blanks between them$", "auto",
        {"a.csv": pixels(str)},
    ),
    "pixels of 0 to 1": (
        {"a.csv": pixels(lambda text: " ".join(f"{int(each) / 255:.4f}" for each in text.split()))},
        r"value 1: '0\.\d+'; .* 255; multiply pixels of 0 to 1 by 255 and round them$",
        "auto", {"a.csv": pixels(str)},
    ),
    "an unknown part": (
        {"a.csv": PARTED.replace(b"Training", b"holdout")},
        "a.csv: row 1: Usage: 'holdout'; expected Training, PublicTest, PrivateTest, or train, "
        "validation, test; call the part by one of these names", "auto", {"a.csv": PARTED},
    ),
    "a class that is misspelt": (
        folders([*NAMES[:3], "hapy", *NAMES[4:]]), "'hapy' is no expression", {"hapy": "happy"}, {},
    ),
    "two classes in a path": (
        {**GOOD, "happy/sad/x.png": picture(20)}, "'happy' and 'sad' are two classes", "auto",
        {"happy/sad/x.png": None},
    ),
    "two files of faces": (
        {"a.csv": rows("0123456"), "b.csv": rows("0123456", 3)},
        "a.csv, b.csv: several files of faces", "auto", {"b.csv": None},
    ),
    "two files of the same part": (
        {"train.csv": rows("0123456"), "training.csv": rows("0123456", 3)},
        "train.csv, training.csv: several files of faces, whose names do not tell",
        "auto", {"training.csv": None},
    ),
    "AffectNet's annotations": (
        {
            **{f"train_set/images/{n}.jpg": picture(n, "JPEG") for n in range(17)},
            **{f"train_set/annotations/{n}_exp.npy": b"x" for n in range(17)},
        },
        "found 17 pictures, most in train_set/images, but no folder .* write labels.csv with the "
        "columns image,label", "auto",
        {
            "train_set/images/labels.csv": table(
                "image,label", [f"{n}.jpg" for n in range(17)], ORDER
            )
        },
    ),
    "two archives": (
        {"a.zip": zipped(GOOD), "b.tar": tarred({"x/happy/1.png": picture(1)}, "w")},
        "found the archives a.zip, b.tar; name a.zip in data.source", "auto", {"b.tar": None},
    ),
    "archives of two parts": (
        {"train.zip": zipped(folders(NAMES)), "test.tar.gz": tarred({"sad/1.png": picture(1)})},
        "archives test.tar.gz, train.zip; unpack each into a folder of its own name, such as tr",
        "auto", folders(NAMES, "train/{name}/{n}.png"),
    ),
    "a list that names no picture": (
        {"images/1.png": picture(1), "labels.csv": b"image,label\nx1.png,3\ny.png,3\n"},
        "labels.csv: none of its 2 names, such as 'x1.png', is that of a picture here, such as "
        "images/1.png; write", "auto", {"labels.csv": b"image,label\n1.png,3\n"},
    ),
    "a list whose names fit several pictures": (
        {
            "a/1.png": picture(1), "b/1.png": picture(2),
            "labels.csv": b"image,label\n1.png,3\n1.png,3\n",
        },
        "labels.csv: '1.png' fits several pictures, such as a/1.png and b/1.png; write such paths",
        "auto", {"labels.csv": b"image,label\na/1.png,3\n"},
    ),
    "a list without a row": (
        {"1.png": picture(1), "labels.csv": b"image,label\n"}, "labels.csv: has a header and no",
        "auto", {"labels.csv": b"image,label\n1.png,3\n"},
    ),
    "a list without a header": (
        {"1.png": picture(1), "label.csv": b'1.png,"(0, 0, 48, 48)",9,0,0,0,0,0,0,0,1,0\n'},
        "label.csv begins with '1.png, .* and not with a header; make image,label its", "auto",
        {"label.csv": b"image,label\n1.png,3\n"},
    ),
    "a rar": ({"faces.rar": b"Rar!"}, "archives faces.rar; unpack them into", "auto", GOOD),
    "a list with a row of another length": (
        {"1.png": picture(1), "l.csv": b"image,label\n1.png,3,4\n"},
        "l.csv: row 1: 3 columns; expected 2", "auto", {"l.csv": b"image,label\n1.png,3\n"},
    ),
    "a picture with two classes": (
        {"1.png": picture(1), "l.csv": b"image,label\n1.png,3\n1.png,4\n"},
        "'3' and '4'; keep one of the rows", "auto", {"l.csv": b"image,label\n1.png,3\n"},
    ),
    "a list that contradicts folders": (
        {**GOOD, "labels.csv": table("image,label", ["16.png", "0.png"], ["neutral", "joy"])},
        "raw/angry/0.png: 'angry' by its folder and 'joy' by labels.csv; mend the wrong one",
        "auto", {"labels.csv": table("image,label", ["0.png"], ["anger"])},
    ),
    "a list of numbers that contradicts folders": (
        {**GOOD, "labels.csv": table("image,label", [f"{n}.png" for n in range(17)], ORDER[::-1])},
        "raw/angry/0.png: 'angry' by its folder and '6' by labels.csv", "auto",
        {"labels.csv": None},
    ),
    "a list to go by in place of folders": (
        {"happy/1.png": picture(1), "l.csv": b"image,label\n1.png,sad\n"},
        "to go by the list, move all pictures into one folder", "auto",
        {"happy/1.png": None, "1.png": picture(1)},
    ),
    "nothing": ({"readme.md": b"no"}, "found readme.md; name the file or the folder", "auto", GOOD),
}  # fmt: skip
"""Files, what is said, and the setting and the files (None: gone) with which they are read."""


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_is_advised_otherwise_works(tmp_path, case):
    files, said, labels, changes = OTHERWISE[case]
    source = put(tmp_path / "raw", files)
    with pytest.raises(UserError, match=said) as refusal:
        read(source)
    assert len(str(refusal.value)) - len(str(tmp_path)) < 400
    for name, content in changes.items():
        if content is None:
            (source / name).unlink()
        else:
            put(source, {name: content})
    assert read(source, labels).labelled.faces in (1, 17)


def linked_tar():
    buffer = io.BytesIO(tarred({"happy/1.png": picture(1)}, "w"))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        info = tarfile.TarInfo("happy/2.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return buffer.getvalue()


def linked_zip():
    buffer = io.BytesIO(zipped({"happy/1.png": picture(1)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("happy/2.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def encrypted():
    content = bytearray(zipped({"happy/1.png": picture(1)}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


HOSTILE = {
    "a path upwards in a tar": (tarred({"../happy/1.png": picture(1)}), "a path that leaves"),
    "a path from the root": (zipped({"/happy/1.png": picture(1)}), "a path that leaves"),
    "a path upwards in a zip": (zipped({"a\\..\\..\\x.png": picture(1)}), "a path that leaves"),
    "an encrypted zip": (encrypted(), "happy/1.png is encrypted"),
    "a tar cut off": (tarred(GOOD, "w")[:9000], "a damaged or incomplete tar"),
    "a tar.gz cut off": (tarred(GOOD)[:-20], "a damaged or incomplete gzip"),
    "a tar with a broken header": (
        tarred(GOOD, "w").replace(b"happy/6.png", b"happy/X.png"), "a damaged or incomplete tar",
    ),
    "a zip cut off": (zipped(GOOD)[:-30], "a damaged or incomplete zip"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_an_archive_that_is_not_to_be_trusted_is_refused(tmp_path, case):
    content, said = HOSTILE[case]
    with pytest.raises(UserError, match=said) as refusal:
        read(put(tmp_path / "raw", {"faces.archive": content}) / "faces.archive")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [linked_tar(), linked_zip()])
def test_a_link_in_an_archive_is_named_and_not_followed(tmp_path, content):
    found = read(put(tmp_path / "raw", {"faces.bin": content}))
    assert found.labelled.faces == 1
    (passed,) = found.passed
    assert "a link" in passed.reason
    assert passed.first == ["happy/2.png"]


def test_an_archive_that_unpacks_to_far_too_much_is_refused(tmp_path, monkeypatch):
    assert most_unpacked(1) == 1 << 30
    monkeypatch.setattr("pipeline.ingest.compressed._ALWAYS", 1 << 16)
    bomb = bytes(20_000_000)
    for pack in (tarred, zipped):
        source = put(tmp_path / pack.__name__, {"a": pack({"happy/1.png": bomb})}) / "a"
        with pytest.raises(UserError, match="which no faces do; unpack it yourself if you trust"):
            locate(str(source))
