"""Every way a source can be wrong ends in one line of the stage `ingest`, which leaves no trace."""

import ctypes
import gzip
import io
import os
import re
import runpy
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from .conftest import ROOT

FACES = np.random.default_rng(7).integers(0, 256, (14, 48, 48)).astype(np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]
ROWS = [f"{number % 7},{text}" for number, text in enumerate(TEXTS)]

PIXEL = "expected a whole number 0 to 255"
LABEL = "expected a whole number 0 to 6"
COLUMNS = "expected one 'feature' or 'pixels' and one 'label' or 'emotion', separated by commas"
HEADER = "such as 'label,feature'"
LINE = "a line of more than 1,048,576 bytes; expected one face, about 9,000 bytes"


def csv(rows=ROWS, header="label,feature", end="\n"):
    return end.join([header, *rows, ""]).encode()


def third(row):
    """A file whose third row is this one."""
    return csv([*ROWS[:2], row, *ROWS[2:]])


def fifth(pixel):
    """A file whose third row has this as its fifth pixel."""
    return third("0," + " ".join([*TEXTS[0].split()[:4], pixel, *TEXTS[0].split()[5:]]))


def damaged(packed):
    """A bit of the checksum at the end is wrong."""
    return packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]


PACKED = gzip.compress(csv())

FILES = {
    "a column missing": ("a.csv", csv(TEXTS, "feature"), ["columns 'feature'", COLUMNS]),
    "no header": ("a.csv", csv(ROWS[1:], ROWS[0]), ["columns '0,241 160 ", COLUMNS]),
    "a column twice": ("a.csv", csv(header="label,label"), ["columns 'label,label'", COLUMNS]),
    "two columns of pixels": (
        "a.csv", csv([f"{row},{row}" for row in ROWS], "label,feature,emotion,pixels"),
        ["columns 'label,feature,emotion,pixels'", COLUMNS],
    ),
    "a field too few": ("a.csv", third(TEXTS[0]), ["row 3: 1 columns; expected 2"]),
    "a field too many": ("a.csv", third(f"{ROWS[0]},9"), ["row 3: 3 columns; expected 2"]),
    "pixels between commas": (
        "a.csv", third("0," + TEXTS[0].replace(" ", ",")), ["row 3: 2305 columns; expected 2"],
    ),
    "a short row": (
        "a.csv", third("0," + TEXTS[0].rpartition(" ")[0]),
        ["row 3: feature: 2303 values; expected 2304"],
    ),
    "a long row": ("a.csv", third(f"{ROWS[0]} 4"), ["row 3: feature: 2305 values; expected 2304"]),
    **{
        f"pixel {pixel[:9]!r}": (
            "a.csv", fifth(pixel), [f"row 3: feature: value 5: '{found}'; {PIXEL}"],
        )
        for pixel, found in {
            "abc": "abc", "nan": "nan", "NaN": "NaN", "-inf": "-inf", "-1": "-1", "256": "256",
            "12.5": "12.5", "12.0": "12.0", "1e2": "1e2", "0x1f": "0x1f", "+5": "+5", "1_0": "1_0",
            "9" * 5000: "9" * 24 + "...", "\u0661": "??", "\0": r"\x00",
        }.items()
    },
    "pixels of 0 to 1": (
        "a.csv", third("0," + " ".join(f"{int(grey) / 255:.3f}" for grey in TEXTS[0].split())),
        ["row 3: feature: value 1: '0.945'", PIXEL],
    ),
    **{
        f"label {label!r}": (
            "a.csv", third(f"{label},{TEXTS[0]}"), [f"row 3: label: '{label}'; {LABEL}"],
        )
        for label in ("7", "-1", "3.0", "happy", "nan", "")
    },
    "an unknown Usage": (
        "a.csv", csv([f"{row},Holdout" for row in ROWS], "emotion,pixels,Usage"),
        ["row 1: Usage: 'Holdout'; expected Training, PublicTest, PrivateTest"],
    ),
    "an id twice": (
        "a.csv", csv([f"{n // 2},{row}" for n, row in enumerate(ROWS)], "id,label,feature"),
        ["row 2: id: 0 stands in an earlier row, too; expected each id once"],
    ),
    "empty": ("a.csv", b"", ["is empty; expected a CSV file with a header"]),
    "blank lines": ("a.csv", b"\n \r\n", ["is empty; expected a CSV file with a header"]),
    "a header only": (
        "a.csv", b"label,feature\n", ["has a header and no rows; expected one row a face"],
    ),
    "semicolons": ("a.csv", csv().replace(b",", b";"), ["columns 'label;feature'", COLUMNS]),
    "a row with a semicolon": (
        "a.csv", third(ROWS[0].replace(",", ";")), ["row 3: 1 columns; expected 2"],
    ),
    "tabs": ("a.csv", csv().replace(b",", b"\t"), [r"columns 'label\tfeature'", COLUMNS]),
    "lines that end in CR": ("a.csv", csv(end="\r"), [r"'label,feature\r0,241", HEADER]),
    "UTF-16": (
        "a.csv", csv().decode().encode("utf-16"), ["not CSV in UTF-8", r"\\xff\\xfel", HEADER],
    ),
    "Latin-1 in the header": (
        "a.csv", csv(header="l\xe9bel,feature").replace(b"\xc3", b""),
        ["not CSV in UTF-8", r"l\\xa9bel,feature", HEADER],
    ),
    "Latin-1 in a row": (
        "a.csv", third(f"0,\xe9{TEXTS[0]}").replace(b"\xc3", b""),
        ["row 3: feature: value 1: '?241'", PIXEL],
    ),
    "a page for a file": (
        "a.csv", b"<!DOCTYPE html>\n<title>Sign in</title>\n",
        ["columns '<!DOCTYPE html>'", COLUMNS],
    ),
    "an open quote": ("a.csv", third(f'0,"{TEXTS[0]}'), ["row 3: a quote stays open"]),
    "ten million characters": ("a.csv", third("0," + "1 " * 5_000_000), [f"row 3: {LINE}"]),
    "ten million digits": ("a.csv", third("0," + "1" * 10_000_000), [f"row 3: {LINE}"]),
    "ten million commas": ("a.csv", third("," * 10_000_000), [f"row 3: {LINE}"]),
    "a bad row, and then ten million characters": (
        "a.csv", csv([ROWS[0], "1", "2", "3," + "1 " * 5_000_000]), ["row 2: 1 columns"],
    ),
    "a header of ten million": (
        "a.csv", b"a" * 10_000_000, ["begins with a line of 65,536 bytes", "'aaaa", HEADER],
    ),
    "gzip cut off": ("a.csv.gz", PACKED[:-2000], ["a damaged or incomplete gzip"]),
    "gzip cut off in its checksum": ("a.csv.gz", PACKED[:-3], ["a damaged or incomplete gzip"]),
    "gzip with a wrong checksum": ("a.csv.gz", damaged(PACKED), ["a damaged or incomplete gzip"]),
    "gzip and something behind": ("a.csv.gz", PACKED + b"more", ["a damaged or incomplete gzip"]),
    "no gzip": ("a.csv.gz", csv(), ["incomplete gzip, or none at all", "b'la'"]),
    "a gzip of nothing": ("a.csv.gz", gzip.compress(b""), ["is empty; expected a CSV file"]),
    "a gzip of 100 MB": ("a.csv.gz", gzip.compress(bytes(10**8), 1), ["begins with a", HEADER]),
    "no regions": ("regions.npz", b"none", ["regions.npz: not an archive of arrays"]),
    "ids of test faces twice": (
        "test.csv", csv([f"5,{text}" for text in TEXTS], "id,feature"), ["test.csv: row 2: id: 5"],
    ),
    "an empty file of test faces": ("test.csv", b"", ["test.csv: is empty"]),
}  # fmt: skip
"""A file's name, its bytes, and what the one line must hold besides the name."""


def picture(mode="L", size=(48, 48), kind="PNG"):
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def black(width, height):
    """A PNG of one bit a pixel, a few kilobytes however large the picture is."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    packer = zlib.compressobj()
    lines = b"".join(packer.compress(bytes(width // 8 + 1)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", lines + packer.flush()) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


UNREADABLE = "row 9: train/3/a.png: not an image that can be read"
IMAGES = {
    "cut off": ("train/3/a.png", picture()[:900], [UNREADABLE, "truncated"]),
    "a JPEG cut off": (
        "train/3/a.jpg", picture("RGB", kind="JPEG")[:700], ["row 9: train/3/a.jpg", "truncated"],
    ),
    "empty": ("train/3/a.png", b"", [UNREADABLE, "cannot identify"]),
    "a text": ("train/3/a.png", b"no picture", [UNREADABLE, "cannot identify"]),
    "a hundred million pixels": (
        "train/3/a.png", black(10_000, 10_000), [UNREADABLE, "100000000 pixels) exceeds limit"],
    ),
    "a bomb": ("train/3/a.png", black(50_000, 50_000), [UNREADABLE, "exceeds limit of"]),
    "no expression": (
        "train/contempt/a.png", picture(),
        ["train/contempt", "'contempt' is no expression; expected one folder named angry"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Two small projects with good sources and what `ingest` made of them: a file's, images'."""
    made = {}
    for kind in ("csv", "images"):
        folder = made[kind] = tmp_path_factory.mktemp(kind)
        if kind == "csv":
            (folder / "raw").mkdir()
            (folder / "raw/train.csv").write_bytes(csv())
        for number, face in enumerate(FACES if kind == "images" else ()):
            path = folder / f"raw/train/{number % 7}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(path)
        configure(folder, "raw")
        assert in_process(folder)[0] == 0
    return made


def configure(folder, source, on_bad_row="stop"):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["data"] = {"source": source, "on_bad_row": on_bad_row}
    (folder / "params.yaml").write_text(yaml.safe_dump(values))


def in_process(folder, *words):
    """The stage's program without the second that a process of its own takes to import."""
    before = signal.getsignal(signal.SIGTERM)
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("IMAGE_SENTIMENT_TRACKING", "off")
        patch.setattr(sys, "argv", ["ingest", *words])
        patch.setattr(sys, "stderr", errors)
        patch.delitem(sys.modules, "pipeline.ingest.stage", raising=False)
        try:
            runpy.run_module("pipeline.ingest.stage", run_name="__main__")
        except SystemExit as end:
            return end.code, errors.getvalue()
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0, errors.getvalue()


def in_a_process(folder, *words, prepare=None):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "ingest", *words],
        cwd=folder, capture_output=True, text=True, timeout=120, preexec_fn=prepare,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IMAGE_SENTIMENT_TRACKING": "off"},
    )  # fmt: skip
    assert not done.stdout
    return done.returncode, done.stderr


def files(folder):
    """What stages wrote, but for the word on what made it, which goes as a stage begins."""
    found = [p for place in ("data", "artifacts") for p in (folder / place).rglob("*")]
    return {p: p.read_bytes() for p in found if p.is_file() and p.name != "made_by.json"}


def the_line(written):
    """The one line of an error, if there is nothing else but a progress bar."""
    lines = [line for line in re.split(r"[\r\n]+", written) if line.strip()]
    (line,) = [line for line in lines if not line.rstrip().endswith("B/s]")]
    assert line.startswith("ingest: error: ")
    assert len(line) < 400
    return line


def refuse(folder, name, content, run=in_process, source=None):
    """Put a bad file into a good project, run the stage, and see that it changes nothing."""
    path = folder / "raw" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    configure(folder, source or "raw")
    before = files(folder)
    try:
        status, written = run(folder)
    finally:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    assert status == 1
    assert before
    assert files(folder) == before
    return the_line(written)


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_file_is_one_line_and_changes_nothing(projects, case):
    name, content, words = FILES[case]
    alone = name.startswith("a.")
    line = refuse(projects["csv"], name, content, source=f"raw/{name}" if alone else None)
    for word in [name, *words]:
        assert word in line


@pytest.mark.parametrize("case", IMAGES)
def test_a_wrong_image_is_one_line_and_changes_nothing(projects, case):
    name, content, words = IMAGES[case]
    line = refuse(projects["images"], name, content)
    for word in words:
        assert word in line


@pytest.mark.study
@pytest.mark.parametrize("case", ["a short row", "semicolons", "gzip cut off"])
def test_the_same_in_a_process_of_its_own(projects, case):
    name, content, words = FILES[case]
    line = refuse(projects["csv"], name, content, in_a_process, f"raw/{name}")
    for word in [name, *words]:
        assert word in line


def test_a_project_without_results_has_none_afterwards(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/train.csv").write_bytes(csv([*ROWS, "1,2"]))
    configure(tmp_path, "raw")
    assert in_a_process(tmp_path)[0] == 1
    assert not files(tmp_path)


def test_only_debug_shows_a_traceback(projects):
    (projects["csv"] / "raw/a.csv").write_bytes(csv(["1,2"]))
    configure(projects["csv"], "raw/a.csv")
    status, written = in_a_process(projects["csv"], "--debug")
    assert status == 1
    assert "Traceback" in written
    assert "UserError: a.csv: row 1: feature: 1 values; expected 2304" in written
    (projects["csv"] / "raw/a.csv").unlink()


MEASURED = """
import atexit, re, runpy
status = "/proc/self/status"
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+) kB", open(status).read())[1]))
runpy.run_module("pipeline.ingest.stage", run_name="__main__")
"""
"""The stage, and at its end the most kibibytes it ever held."""


@pytest.mark.study
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
def test_a_line_of_ten_million_takes_neither_time_nor_memory(projects):
    peaks = {}

    def run(folder):
        done = subprocess.run(
            [sys.executable, "-c", MEASURED], cwd=folder, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "IMAGE_SENTIMENT_TRACKING": "off"},
            timeout=20,
        )  # fmt: skip
        peaks[case] = int(done.stdout)
        return done.returncode, done.stderr

    for case in ("a short row", "ten million characters", "ten million commas"):
        name, content, words = FILES[case]
        assert words[0] in refuse(projects["csv"], name, content, run, f"raw/{name}")
    assert max(peaks.values()) - peaks["a short row"] < 30 * 1024


@pytest.mark.parametrize(
    ("mode", "size"),
    [("RGBA", (300, 200)), ("RGB", (2000, 1000)), ("L", (1, 2000)), ("P", (9, 9))],
)
def test_images_of_other_sizes_and_with_transparency_are_read(projects, mode, size):
    folder = projects["images"]
    path = folder / "raw/train/3/a.png"
    path.write_bytes(picture(mode, size))
    configure(folder, "raw")
    status, written = in_process(folder)
    path.unlink()
    assert status == 0, written
    faces = np.load(folder / "data/faces/labelled/pixels.npy")
    assert faces.shape == (15, 48, 48)
    assert faces[8].std() > 0.1


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + csv(), csv(end="\r\n"), csv()[:-1]])
def test_a_byte_order_mark_and_crlf_are_no_fault(projects, content):
    path = projects["csv"] / "raw/a.csv"
    path.write_bytes(content)
    configure(projects["csv"], "raw/a.csv")
    assert in_process(projects["csv"])[0] == 0
    path.unlink()
    faces = np.load(projects["csv"] / "data/faces/labelled/pixels.npy")
    assert (faces == FACES).all()


def test_a_folder_for_a_file_nothing_there_and_nothing_inside(projects):
    folder = projects["csv"]
    (folder / "raw/empty.csv").mkdir()
    for source, words in {
        "raw/empty.csv": ["data.source = 'raw/empty.csv'", "looked for train.csv", "none of these"],
        "raw/none.csv": ["data.source = 'raw/none.csv'", "no such file or folder"],
        f"raw/{'a' * 300}": ["data.source = ", "cannot be read: File name too long"],
    }.items():
        configure(folder, source)
        before = files(folder)
        status, written = in_process(folder)
        assert status == 1
        assert files(folder) == before
        for word in words:
            assert word in the_line(written)
    (folder / "raw/empty.csv").rmdir()


def without_privileges():
    """Let a process of root's be refused what is forbidden, as everybody else's is."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if ctypes.CDLL(None).prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            raise OSError("no capability can be dropped here")


@pytest.mark.parametrize(
    ("kind", "forbidden", "words"),
    [
        ("csv", "raw/train.csv", "raw/train.csv: cannot be read: Permission denied"),
        ("csv", "raw", "data.source = 'raw': cannot be read: Permission denied"),
        ("images", "raw/train/3/3.png", "train/3/3.png: not an image .* Permission denied"),
        ("images", "raw/train/3", "raw/train/3: cannot be read: Permission denied"),
    ],
)
def test_what_must_not_be_read_is_named(projects, kind, forbidden, words):
    folder = projects[kind]
    configure(folder, "raw")
    path, before = folder / forbidden, files(folder)
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        prepare = without_privileges if os.geteuid() == 0 else None
        status, written = in_a_process(folder, prepare=prepare)
    except subprocess.SubprocessError:
        pytest.skip("root reads everything, and no capability can be dropped here")
    finally:
        path.chmod(mode)
    assert status == 1
    assert re.search(words, the_line(written))
    assert files(folder) == before


def test_a_link_to_nowhere_is_a_fault_and_can_be_dropped(projects):
    folder = projects["images"]
    link = folder / "raw/train/3/a.png"
    link.symlink_to("nowhere")
    configure(folder, "raw")
    status, written = in_process(folder)
    assert status == 1
    assert UNREADABLE in the_line(written)
    configure(folder, "raw", "drop")
    assert in_process(folder)[0] == 0
    link.unlink()
    assert dropped(folder)["content"].tolist() == ["train/3/a.png"]


def test_a_folder_that_is_a_link_is_named_and_not_passed_over(projects, tmp_path):
    folder = projects["images"]
    shutil.move(folder / "raw/train/3", tmp_path / "elsewhere")
    link = folder / "raw/train/3"
    link.symlink_to(tmp_path / "elsewhere")
    configure(folder, "raw", "drop")
    status, written = in_process(folder)
    link.unlink()
    shutil.move(tmp_path / "elsewhere", link)
    assert status == 1
    assert "raw/train/3: is a link; expected a folder of images" in the_line(written)


@pytest.mark.parametrize("suffix", [".bmp", ".TIF", ".webp"])
def test_an_image_of_another_kind_is_named_and_not_passed_over(projects, suffix):
    folder = projects["images"]
    image = folder / f"raw/train/3/other{suffix}"
    image.touch()
    configure(folder, "raw", "drop")
    status, written = in_process(folder)
    image.unlink()
    assert status == 1
    assert f"3/other{suffix}: expected one of .jpg, .jpeg, .png; convert it" in the_line(written)


def dropped(folder):
    return pd.read_csv(folder / "artifacts/ingest/dropped.csv", keep_default_na=False)


DROPPED = {
    3: (f"7,{TEXTS[0]}", f"label: '7'; {LABEL}"),
    5: ("1,2 3", "feature: 2 values; expected 2304"),
    6: (TEXTS[1], "1 columns; expected 2"),
    8: ("4," + " ".join(["nan"] * 2304), f"feature: value 1: 'nan'; {PIXEL}"),
}  # fmt: skip


def test_what_is_dropped_is_kept_with_its_reason_and_counted(projects):
    folder, rows = projects["csv"], list(ROWS)
    for row, (text, _) in DROPPED.items():
        rows.insert(row - 1, text)
    (folder / "raw/a.csv").write_bytes(csv(rows))
    configure(folder, "raw/a.csv", "drop")
    assert in_a_process(folder)[0] == 0
    (folder / "raw/a.csv").unlink()
    table = dropped(folder)
    assert list(table.columns) == ["file", "row", "reason", "content"]
    assert set(table["file"]) == {"a.csv"}
    found = zip(table["row"], zip(table["content"], table["reason"], strict=True), strict=True)
    assert dict(found) == DROPPED
    metrics = yaml.safe_load((folder / "artifacts/ingest/metrics.json").read_text())["data"]
    assert (metrics["dropped"], metrics["labelled"]) == (4, 14)
    assert (np.load(folder / "data/faces/labelled/pixels.npy") == FACES).all()
