"""Every way a source can be wrong ends in one line of the stage `ingest`, which leaves no trace."""

import ctypes
import gzip
import io
import lzma
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from ..conftest import ROOT
from .files import encoded, png, put, zipped

FACES = np.random.default_rng(7).integers(0, 256, (14, 48, 48)).astype(np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]
ROWS = [f"{number % 7},{text}" for number, text in enumerate(TEXTS)]

PIXEL = "expected a whole number 0 to 255"
LABEL = "expected a whole number 0 to 6, or an expression's name"
MEND = "mend or remove the row, or set data.on_bad_row: drop"
COLUMNS = "expected one 'feature' or 'pixels' and one 'label' or 'emotion', separated by commas"
HEADER = "such as 'label,feature'"
NO_ROWS = "has a header and no rows; expected one row a face"
LONG = "a line of more than 1,048,576 bytes; expected one face, about 9,000 bytes"
OPEN = "a quote stays open"


def csv(rows=ROWS, header="label,feature", end="\n"):
    return end.join([header, *rows, ""]).encode()


def third(row):
    """A file whose third row is this one, each letter of it a byte."""
    return csv([*ROWS[:2], "HERE", *ROWS[2:]]).replace(b"HERE", row.encode("latin-1"))


def with_pixel(text):
    """A row whose fifth pixel is this."""
    return "0," + " ".join([*TEXTS[0].split()[:4], text, *TEXTS[0].split()[5:]])


# The row, and what is said of it.
ROW_3 = {
    "a field too few": (TEXTS[0], f"1 columns; expected 2; {MEND}"),
    "a field too many": (f"{ROWS[0]},9", "3 columns; expected 2"),
    "a field too many and Latin-1": ("3,4,\xe9", "3 columns; expected 2"),
    "pixels between commas": ("0," + TEXTS[0].replace(" ", ","), "2305 columns; expected 2"),
    "pixels between semicolons": ("3,1;2;3", f"feature: value 1: '1;2;3'; {PIXEL}"),
    "no pixels": ("3,", "feature: 0 values; expected 2304"),
    "a short row": (
        "0," + TEXTS[0].rpartition(" ")[0], f"feature: 2303 values; expected 2304; {MEND}",
    ),
    "a long row": (f"{ROWS[0]} 4", "feature: 2305 values; expected 2304"),
    **{
        f"pixel {pixel[:9]!r}": (with_pixel(pixel), f"feature: value 5: '{found}'; {PIXEL}")
        for pixel, found in {
            "nan": "nan", "9" * 5000: "9" * 24 + "...", "\xd9\xa1": "??", "\0": r"\x00",
        }.items()
    },
    **{
        f"label {label!r}": (f"{label},{TEXTS[0]}", f"label: '{label}'; {LABEL}")
        for label in ("7", "-1", "3.5", "contempt", "nan", "")
    },
    "a row with a semicolon": (ROWS[0].replace(",", ";"), "1 columns; expected 2"),
    "Latin-1 in a row": (f"0,\xe9{TEXTS[0]}", f"feature: value 1: '?241'; {PIXEL}"),
    "an open quote": (f'0,"{TEXTS[0]}', OPEN),
    "an open quote at a label": (f'"0,{TEXTS[0]}', OPEN),
    "ten million characters": ("0," + "1 " * 5_000_000, LONG),
    "ten million digits": ("0," + "1" * 10_000_000, LONG),
    "ten million commas": ("," * 10_000_000, LONG),
}  # fmt: skip

# The file, and what is said of it.
WHOLE = {
    "a column missing": (csv(TEXTS, "feature"), "columns 'feature'", COLUMNS),
    "no header": (csv(ROWS[1:], ROWS[0]), "columns '0,241 160 ", COLUMNS),
    "two columns of pixels": (
        csv([f"{row},{row}" for row in ROWS], "label,feature,emotion,pixels"),
        "columns 'label,feature,emotion,pixels'", COLUMNS,
    ),
    "semicolons": (csv().replace(b",", b";"), "columns 'label;feature'", COLUMNS),
    "tabs": (csv().replace(b",", b"\t"), r"columns 'label\tfeature'", COLUMNS),
    "a page for a file": (
        b"<!DOCTYPE html>\n<title>Sign in</title>\n", "columns '<!DOCTYPE html>'", COLUMNS,
    ),
    "empty": (b"", "is empty; expected a CSV file with a header"),
    "blank lines": (b"\n \r\n", "is empty; expected a CSV file with a header"),
    "a header only": (b"label,feature\n", NO_ROWS),
    "a header that does not end": (b"label,feature", NO_ROWS),
    "a header and blank lines": (b"label,feature\n\n\n", NO_ROWS),
    "lines that end in CR": (csv(end="\r"), r"'label,feature\r0,241", HEADER),
    "UTF-16": (csv().decode().encode("utf-16"), "not CSV in UTF-8", r"\\xff\\xfel", HEADER),
    "Latin-1 in the header": (
        csv().replace(b"a", b"\xe9", 1), "not CSV in UTF-8", r"l\\xe9bel,feature", HEADER,
    ),
    "a bad row, and then ten million characters": (
        csv([ROWS[0], "1", "2", "3," + "1 " * 5_000_000]), "row 2: 1 columns",
    ),
    "a header of ten million": (
        b"a" * 10_000_000, "begins with a line of 65,536 bytes", "'aaaa", HEADER,
    ),
}  # fmt: skip

PACKED = gzip.compress(csv())
WRONG_SUM = PACKED[:-6] + bytes([PACKED[-6] ^ 1]) + PACKED[-5:]
FILES = {
    **{case: ("a.csv", third(row), f"row 3: {said}") for case, (row, said) in ROW_3.items()},
    **{case: ("a.csv", *rest) for case, rest in WHOLE.items()},
    **{
        f"gzip {case}": ("a.csv.gz", content, "a damaged or incomplete gzip")
        for case, content in {
            "cut off": PACKED[:-2000], "cut off in its checksum": PACKED[:-3],
            "cut off in its header": PACKED[:4], "with a wrong checksum": WRONG_SUM,
            "and something behind": PACKED + b"more",
        }.items()
    },
    "an empty file for a gzip": ("a.csv.gz", b"", "is empty; expected a CSV file"),
    "a gzip of nothing": ("a.csv.gz", gzip.compress(b""), "is empty; expected a CSV file"),
    "a gzip of 100 MB": ("a.csv.gz", gzip.compress(bytes(10**8), 1), "begins with a", HEADER),
    "xz cut off": ("a.csv.xz", lzma.compress(csv())[:-2000], "a damaged or incomplete xz"),
    "zip cut off": ("a.csv.zip", zipped({"a.csv": csv()})[:-9], "a damaged or incomplete zip"),
    "a zip of two": (
        "a.csv.zip", zipped({"a.csv": csv(), "b.csv": csv()}), "several files of faces",
        "choose one and unpack it and name it in data.source",
    ),
    "no regions": ("regions.npz", b"none", "regions.npz: not an archive of arrays"),
    "ids of test faces twice": (
        "test.csv", csv([f"5,{text}" for text in TEXTS], "id,feature"), "test.csv: row 2: id: 5",
    ),
    "an empty file of test faces": ("test.csv", b"", "test.csv: is empty"),
}  # fmt: skip
"""A file's name, its bytes, and what the one line must hold besides the name."""


def picture(mode="L", kind="PNG"):
    return encoded(Image.effect_noise((48, 48), 60).convert(mode), kind)


UNREADABLE = "row 9: train/3/a.png: not an image that can be read"
IMAGES = {
    "cut off": ("train/3/a.png", picture()[:900], UNREADABLE, "truncated"),
    "a JPEG cut off": (
        "train/3/a.jpg", picture("RGB", kind="JPEG")[:700], "row 9: train/3/a.jpg", "truncated",
    ),
    "empty": ("train/3/a.png", b"", UNREADABLE, "no picture of a kind"),
    "a text": ("train/3/a.png", b"no picture", UNREADABLE, "no picture of a kind"),
    "a hundred million pixels": (
        "train/3/a.png", png(b"", size=(10_000, 10_000)), UNREADABLE,
        "100000000 pixels) exceeds limit",
    ),
    "a bomb": ("train/3/a.png", png(b"", size=(50_000, 50_000)), UNREADABLE, "exceeds limit of"),
    "no expression": (
        "train/contempt/a.png", picture(), "train/contempt",
        "'contempt' is no expression; expected folders named angry",
        "leave it out with data.labels: {contempt: drop}",
    ),
    **{
        f"of kind {end}": (f"train/3/a.{end}", b"", f"row 9: train/3/a.{end}: not an image")
        for end in ("bmp", "TIF", "webp", "heic", "AVIF")
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Two small projects with good sources and what `ingest` made of them: a file's, images'."""
    made = {kind: tmp_path_factory.mktemp(kind) for kind in ("csv", "images")}
    put(made["csv"], {"raw/train.csv": csv()})
    pictures = {f"{n % 7}/{n}.png": encoded(Image.fromarray(face)) for n, face in enumerate(FACES)}
    put(made["images"] / "raw/train", pictures)
    for folder in made.values():
        configure(folder, "raw")
        assert in_process(folder)[0] == 0
    return made


def configure(folder, source, on_bad_row="stop"):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["data"] |= {"source": source, "on_bad_row": on_bad_row}
    (folder / "params.yaml").write_text(yaml.safe_dump(values))


def in_process(folder, *words):
    """The stage's program without the second that a process of its own takes to import."""
    before = signal.getsignal(signal.SIGTERM)
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("IMAGE_SENTIMENT_TRACKING", "off")
        patch.setattr(sys, "argv", ["pipeline", "ingest", *words])
        patch.setattr(sys, "stderr", errors)
        try:
            runpy.run_module("pipeline", run_name="__main__")
        except SystemExit as end:
            return end.code, errors.getvalue()
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0, errors.getvalue()


def in_a_process(folder, *program):
    """The same by its own process; `program` is other code to run than the stage."""
    done = subprocess.run(
        [sys.executable, *(program or ("-m", "pipeline", "ingest"))],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IMAGE_SENTIMENT_TRACKING": "off"},
    )  # fmt: skip
    return done.returncode, done.stderr, done.stdout


def files(folder):
    """What stages wrote, but for numbers and the word on what made it, which go as one begins."""
    found = [p for place in ("data", "artifacts") for p in (folder / place).rglob("*")]
    gone = ("made_by.json", "metrics.json")
    return {p: p.read_bytes() for p in found if p.is_file() and p.name not in gone}


def the_line(written):
    """The one line of an error, if there is nothing else but a progress bar."""
    lines = [line for line in re.split(r"[\r\n]+", written) if line.strip()]
    (line,) = [line for line in lines if not line.rstrip().endswith("/s]")]
    assert line.startswith("ingest: error: ")
    assert len(line) < 400
    return line


def refused(folder, source, run=in_process, on_bad_row="stop"):
    """The line with which the stage refuses a source, after which all is as it was."""
    configure(folder, source, on_bad_row)
    before = files(folder)
    assert before
    status, written, *_ = run(folder)
    assert status == 1
    assert files(folder) == before
    return the_line(written)


@contextmanager
def added(folder, name, content):
    """A bad file in a good project."""
    path = folder / "raw" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        yield f"raw/{name}" if name.startswith("a.") else "raw"
    finally:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_file_is_one_line_and_changes_nothing(projects, case):
    name, content, *words = FILES[case]
    with added(projects["csv"], name, content) as source:
        line = refused(projects["csv"], source)
    for word in [name, *words]:
        assert word in line


@pytest.mark.parametrize("case", IMAGES)
def test_a_wrong_image_is_one_line_and_changes_nothing(projects, case):
    name, content, *words = IMAGES[case]
    # A row that is no face can be dropped; what is no row is not passed over even then.
    on_bad_row = "stop" if "row 9" in words[0] else "drop"
    with added(projects["images"], name, content):
        line = refused(projects["images"], "raw", on_bad_row=on_bad_row)
    for word in words:
        assert word in line


@pytest.mark.study
def test_a_process_of_its_own_says_the_same_and_a_traceback_with_debug_alone(tmp_path):
    """In a project without results there are none afterwards."""
    put(tmp_path, {"raw/train.csv": csv([*ROWS, "1,2"])})
    configure(tmp_path, "raw")
    said = f"train.csv: row 15: feature: 1 values; expected 2304; {MEND}"
    status, written, printed = in_a_process(tmp_path)
    assert (status, printed) == (1, "")
    assert the_line(written) == f"ingest: error: {said}"
    status, written, _ = in_a_process(tmp_path, "-m", "pipeline", "ingest", "--debug")
    assert status == 1
    assert "Traceback" in written
    assert f"UserError: {said}" in written
    assert not files(tmp_path)


MEASURED = """
import atexit, re, runpy, sys
status = "/proc/self/status"
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+) kB", open(status).read())[1]))
sys.argv = ["pipeline", "ingest"]
runpy.run_module("pipeline", run_name="__main__")
"""
"""The stage, and at its end the most kibibytes it ever held."""


@pytest.mark.study
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
def test_a_line_of_ten_million_takes_no_memory(projects):
    peaks = {}

    def run(folder):
        status, written, printed = in_a_process(folder, "-c", MEASURED)
        peaks[case] = int(printed)
        return status, written

    for case in ("a short row", "ten million characters", "ten million commas"):
        name, content, said = FILES[case]
        with added(projects["csv"], name, content) as source:
            assert said in refused(projects["csv"], source, run)
    assert max(peaks.values()) - peaks["a short row"] < 30 * 1024


def test_a_folder_for_a_file_nothing_there_and_nothing_inside(projects):
    folder = projects["csv"]
    (folder / "raw/empty.csv").mkdir()
    for source, words in {
        "raw/empty.csv": ["data.source = 'raw/empty.csv'", "looked for train.csv", "none of these"],
        "raw/none.csv": ["data.source = 'raw/none.csv'", "no such file or folder"],
        "data/sample": ["data.source = 'data/sample'", "python -m pipeline sample makes it"],
        f"raw/{'a' * 300}": ["data.source = ", "cannot be read: File name too long"],
    }.items():
        line = refused(folder, source)
        for word in words:
            assert word in line
    (folder / "raw/empty.csv").rmdir()


@contextmanager
def without_privileges():
    """What is forbidden is refused to this thread, as to everybody, even if it is root's."""
    if os.geteuid() != 0:
        yield
        return
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    try:
        library = ctypes.CDLL(None, use_errno=True)
        failed = library.capget(header, sets)
        effective = sets[0]
        sets[0] = effective & ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        failed = failed or library.capset(header, sets)
    except AttributeError:
        failed = True
    if failed:
        pytest.skip("root reads everything, and no capability can be dropped here")
    yield
    sets[0] = effective
    assert not library.capset(header, sets)


@pytest.mark.parametrize(
    ("kind", "forbidden", "words"),
    [
        ("csv", "raw/train.csv", "raw/train.csv: cannot be read: Permission denied"),
        ("csv", "raw", "error: raw: cannot be read: Permission denied"),
        (
            "images",
            "raw/train/3/3.png",
            "train/3/3.png: not an image .* permission denied; chmod u",
        ),
        ("images", "raw/train/3", "raw/train/3: cannot be read: Permission denied"),
    ],
)
def test_what_must_not_be_read_is_named(projects, kind, forbidden, words):
    path = projects[kind] / forbidden
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with without_privileges():
            line = refused(projects[kind], "raw")
    finally:
        path.chmod(mode)
    assert re.search(words, line)


def test_links_in_a_folder_are_named_and_only_one_to_nowhere_can_be_dropped(projects, tmp_path):
    folder = projects["images"]
    link = folder / "raw/train/3/a.png"
    link.symlink_to("nowhere")
    assert UNREADABLE in refused(folder, "raw")
    configure(folder, "raw", "drop")
    assert in_process(folder)[0] == 0
    link.unlink()
    assert dropped(folder)["content"].tolist() == ["train/3/a.png"]

    link, elsewhere = link.parent, tmp_path / "elsewhere"
    shutil.move(link, elsewhere)
    link.symlink_to(elsewhere)
    line = refused(folder, "raw", on_bad_row="drop")
    link.unlink()
    shutil.move(elsewhere, link)
    assert "raw/train/3: is a link; expected a folder of images" in line


def dropped(folder):
    return pd.read_csv(folder / "artifacts/ingest/dropped.csv", keep_default_na=False)


DROPPED = {
    3: (f"9,{TEXTS[0]}", f"label: '9'; {LABEL}"),
    5: ("1,2 3", "feature: 2 values; expected 2304"),
    6: (TEXTS[1], "1 columns; expected 2"),
    8: ("4," + " ".join(["nan"] * 2304), f"feature: value 1: 'nan'; {PIXEL}"),
    9: ('3,4 "5', "feature: value 2: '\"5'; " + PIXEL),
}  # fmt: skip


def test_what_is_dropped_is_kept_with_its_reason_and_counted(projects):
    folder, rows = projects["csv"], list(ROWS)
    for row, (text, _) in DROPPED.items():
        rows.insert(row - 1, text)
    with added(folder, "a.csv", csv(rows)) as source:
        configure(folder, source, "drop")
        assert in_process(folder)[0] == 0
    table = dropped(folder)
    assert list(table.columns) == ["file", "row", "reason", "content"]
    assert set(table["file"]) == {"a.csv"}
    found = zip(table["row"], zip(table["content"], table["reason"], strict=True), strict=True)
    assert dict(found) == DROPPED
    metrics = yaml.safe_load((folder / "artifacts/ingest/metrics.json").read_text())["data"]
    assert (metrics["dropped"], metrics["labelled"]) == (5, 14)
    assert (np.load(folder / "data/faces/labelled/pixels.npy") == FACES).all()
