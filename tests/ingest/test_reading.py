"""Faces are read from every kind of source, and what is wrong with one is said in one line."""

import csv
import gzip
import io
import lzma
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import UserError
from pipeline.ingest.compressed import unpacked
from pipeline.ingest.faces_csv import read_csv
from pipeline.ingest.folder import Folder, md5_of
from pipeline.ingest.labels import Labels
from pipeline.ingest.pictures import read_image
from pipeline.ingest.pixels import parse_pixels
from pipeline.ingest.rows import Rows
from pipeline.ingest.sources import locate

from .files import encoded, put, table, tarred, zipped

FACES = np.random.default_rng(7).integers(0, 256, (5, 48, 48)).astype(np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]
LABELS = [3, 0, 6, 1, 3]


def labelled(count=5):
    return table("label,feature", LABELS[:count], TEXTS[:count])


def read(path, progress=None):
    """All batches of a source as one: pixels, labels, rows, faults."""
    source = locate(str(path))
    batches = list(source.labelled[0].batches(source.labels, progress))
    return (
        np.concatenate([batch.pixels for batch in batches]),
        [int(label) for batch in batches for label in batch.labels],
        [int(row) for batch in batches for row in batch.rows],
        [str(fault) for batch in batches for fault in batch.faults],
    )


def write(folder, content, name="train.csv"):
    path = folder / name
    path.write_bytes(content)
    return path


PACKERS = {
    "": bytes, ".gz": gzip.compress, ".xz": lzma.compress,
    ".zip": lambda content: zipped({"faces.csv": content}),
}  # fmt: skip
ALONE = PACKERS | {".tar.gz": lambda content: tarred({"faces.csv": content})}
"""With what is read where it is named itself."""


# Pixels


def test_numbers_are_read_as_they_are_with_any_blanks_and_zeros():
    values = np.tile(np.arange(256), 9)
    pixels, faults = parse_pixels([" ".join(map(str, values)).encode()] * 40)
    assert not faults
    assert (pixels == values).all()
    pixels, faults = parse_pixels([("  007\t" + " ".join(["12"] * 2303) + "  ").encode()])
    assert not faults
    assert pixels[0].tolist() == [7] + 2303 * [12]


@pytest.mark.parametrize(
    "word",
    ["256", "299", "300", "999", "1000", "0256", "1255", "-1", "1.0", "12.5", "x", "NaN", "-inf",
     "1e2", "0x1f", "+5", "1_0"],
)  # fmt: skip
def test_a_value_that_is_no_grey_is_named(word):
    good = ["255"] * 2304
    for place in (1, 2, 2304):
        words = [*good[: place - 1], word, *good[place:]]
        pixels, faults = parse_pixels([" ".join(row).encode() for row in (good, words, good)])
        assert faults == {1: f"value {place}: '{word}'; expected a whole number 0 to 255"}
        assert (pixels[[0, 2]] == 255).all()


def test_a_short_row_beside_a_long_one_is_not_shifted():
    short, long = b" ".join([b"1"] * 2303), b" ".join([b"1"] * 2305)
    _, faults = parse_pixels([short, long])
    assert faults == {0: "2303 values; expected 2304", 1: "2305 values; expected 2304"}


# CSV files


@pytest.mark.parametrize("packed", ALONE)
def test_a_labelled_file_is_read_plain_or_packed(tmp_path, packed):
    path = write(tmp_path, ALONE[packed](labelled()), "train.csv" + packed)
    told = []
    pixels, labels, rows, faults = read(path, progress=told.append)
    assert (pixels == FACES).all()
    assert labels == LABELS
    assert rows == [1, 2, 3, 4, 5]
    assert not faults
    assert sum(told) == locate(str(path)).size


def test_ids_come_from_the_file_if_they_differ_and_are_whole_numbers_or_from_the_order(tmp_path):
    def found(content, with_labels=False):
        labels = Labels() if with_labels else None
        (batch,) = read_csv(io.BytesIO(content), "train.csv", labels, Rows())
        return batch.ids.tolist(), [str(fault) for fault in batch.faults]

    assert found(labelled(), with_labels=True) == ([0, 1, 2, 3, 4], [])
    ids = [70, 69, 68, 67, 66]
    assert found(table("id,feature", ids, TEXTS)) == (ids, [])
    kept, faults = found(table("id,feature", ["4", "4", "x", "-1", "1.5"], TEXTS))
    assert kept == [4]
    assert len(faults) == 4
    said = "train.csv: row 2: id: 4 is in an earlier row, too; expected each id once"
    assert faults[0] == said


def test_where_no_labels_are_wanted_they_are_passed_over_and_no_rows_are_no_fault(tmp_path):
    text = labelled().replace(b"\n3,", b"\nhappy,")
    (batch,) = read_csv(io.BytesIO(text), "a.csv", None, Rows())
    assert batch.labels.tolist() == [-1] * 5
    assert not list(read_csv(io.BytesIO(b"id,feature\n"), "a.csv", None, Rows()))


def test_fer2013_parts_are_kept_in_any_column_order_and_with_blanks(tmp_path):
    parts = ["Training", "PublicTest", "PrivateTest", "Training", "Training"]
    for content in (
        table("emotion,pixels,Usage", LABELS, TEXTS, parts),
        table("Usage, pixels, emotion", parts, TEXTS, [f" {label}" for label in LABELS]),
    ):
        (batch,) = read_csv(io.BytesIO(content), "fer2013.csv", Labels(), Rows())
        assert batch.usage == parts
        assert batch.labels.tolist() == LABELS
        assert (batch.pixels == FACES).all()


def test_quotes_a_byte_order_mark_other_columns_and_no_last_line_end_change_nothing(tmp_path):
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["label", "feature", "remark"])
    writer.writerows((label, text, "a, b") for label, text in zip(LABELS, TEXTS, strict=True))
    quoted = b"\xef\xbb\xbf" + buffer.getvalue().encode()
    for content in (quoted, labelled().replace(b"\n", b"\r\n"), labelled()[:-1]):
        pixels, labels, _, faults = read(write(tmp_path, content))
        assert not faults
        assert labels == LABELS
        assert (pixels == FACES).all()


def test_many_blocks_keep_their_row_numbers_around_misfits(tmp_path):
    text = ["label,feature\n"]
    text += [f"2,{TEXTS[row % 5]}\n" for row in range(1, 401)]
    text[7] = "\n5\n"
    text[100::100] = ["1,2,3\n"] * 4
    pixels, _, rows, faults = read(write(tmp_path, "".join(text).encode()))
    bad = {7, 100, 200, 300, 400}
    assert rows == [row for row in range(1, 401) if row not in bad]
    assert faults[0] == "train.csv: row 7: 1 columns; expected 2"
    assert [int(re.findall(r"\d+", fault)[0]) for fault in faults] == sorted(bad)
    assert (pixels[-1] == FACES[399 % 5]).all()
    assert len(read(write(tmp_path, b"label,feature\n1\n2\n"))[3]) == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_text_of_a_bad_row_is_kept_where_it_is_wanted(tmp_path, ending):
    rows = ["7, 1 2 3,so", '"3","4 5","a, b"', "1,2", f"3,{TEXTS[0]},", "5,6,\u00e9,7"]
    content = ending.join(["label,feature,remark", *rows, ""]).encode()
    for keep_text, contents in (
        (True, {1: "7, 1 2 3,so", 2: "3,4 5,a, b", 3: "1,2", 5: "5,6,??,7"}),
        (False, dict.fromkeys([1, 2, 3, 5], "")),
    ):
        (batch,) = read_csv(io.BytesIO(content), "train.csv", Labels(), Rows(keep_text))
        assert {fault.row: fault.content for fault in batch.faults} == contents
        assert str(batch.faults[2]) == "train.csv: row 3: 2 columns; expected 3"
    (batch,) = read_csv(io.BytesIO(content), "train.csv", None, Rows(keep_text=True))
    assert batch.faults[0].content == "7, 1 2 3,so"


def test_damage_at_the_end_is_told_however_long_the_file_and_silent_the_reader(tmp_path):
    for rows in (130, 160, 600):
        text = table("label,feature", [1] * rows, TEXTS[:1] * rows)
        packed = bytearray(gzip.compress(text, compresslevel=0))
        packed[-6] ^= 1
        path = write(tmp_path, bytes(packed), "train.csv.gz")
        with pytest.raises(UserError, match="incomplete gzip"):
            read(path)
    with (
        pytest.raises(UserError, match="incomplete gzip"),
        unpacked(path.open("rb"), path.name, path.stat().st_size) as file,
        suppress(UserError),
    ):
        file.read()


WORDS = (
    b"", b"0", b"7", b" 3 ", b"255", b"256", b"257", b"261", b"999", b"-1", b"+1", b"1.0", b"1e2",
    b"nan", b"0x1", b"007", b"0256", b"1_0", b"?", b"12,13", b"12;13", b"\t8", b" 8 ", b"8\xa0",
    "\u0661".encode(), b"\0", b"9" * 4400,
)  # fmt: skip
"""What a label or a pixel may turn into; some of them are still right."""

PIECES = (
    b"", b" ", b"9", b",", b"\n", b"\r", b"\r\n", b"\n\n", b'"', b"\xff", b"\0", b";", b"-1",
    b"\xef\xbb\xbf",
)  # fmt: skip
"""What may stand anywhere in place of a few bytes."""


@st.composite
def mutated_files(draw):
    """A file of three faces to which one to three things happened, most often one."""
    text = draw(st.sampled_from([labelled(3), labelled(3).replace(b"\n", b"\r\n")]))
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        text = draw(st.sampled_from(CHANGES))(draw, text)
    return text


def rows_of(lines):
    """Most often not the header: without it, nothing is left to be read."""
    return st.sampled_from([*range(1, len(lines)), *range(1, len(lines)), 0])


def change_bytes(draw, text):
    start = draw(st.integers(0, len(text)) | st.integers(0, len(text)) | st.integers(0, 40))
    piece = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
    return text[:start] + piece + text[start + draw(st.integers(0, 3)) :]


def change_word(draw, text):
    """A number becomes something else: most often a label, or the first pixel or the last."""
    lines = text.split(b"\n")
    row = draw(rows_of(lines))
    words = re.split(rb"([ ,])", lines[row])
    place = draw(st.sampled_from([0, 2, -1]) | st.integers(0, len(words) // 2).map(lambda i: 2 * i))
    words[min(place, len(words) - 1)] = draw(st.sampled_from(WORDS))
    lines[row] = b"".join(words)
    return b"\n".join(lines)


def change_lines(draw, text):
    """Lines are lost, doubled or in another order, once in a while the header among them."""
    lines = text.split(b"\n")
    chosen = draw(st.lists(rows_of(lines), min_size=1, max_size=6))
    kept = draw(st.sampled_from([lines[:1], lines[:1], []]))
    return b"\n".join([*kept, *(lines[place] for place in chosen)])


def change_columns(draw, text):
    """A row, or the header, gets a column more, or has them the other way round."""
    lines = text.split(b"\n")
    row = draw(rows_of(lines))
    columns = lines[row].split(b",")
    more = draw(st.sampled_from([[], [b"1"], [b"label"], [b"pixels"]]))
    lines[row] = b",".join(draw(st.permutations([*columns, *more])))
    return b"\n".join(lines)


def move_words(draw, text):
    """A row lends its last words to another: in sum there are as many as before."""
    lines = text.splitlines() or [b""]
    giver, taker = draw(rows_of(lines)), draw(rows_of(lines))
    first, *words = lines[giver].rsplit(b" ", draw(st.integers(1, 3)))
    lines[giver] = first
    lines[taker] = b" ".join([lines[taker], *words])
    return b"\n".join(lines)


def mark(draw, text):
    """Byte order marks in front: one is right, two are not."""
    return draw(st.sampled_from([1, 1, 2])) * b"\xef\xbb\xbf" + text


def change_ends(draw, text):
    return text.replace(
        b"\n", draw(st.sampled_from([b"\r\n", b"\r", b"\n\n"])), draw(st.integers(1, 4))
    )


def cut(draw, text):
    return text[: draw(st.integers(len(text) // 2, len(text)) | st.integers(0, len(text)))]


CHANGES = (
    change_bytes, change_word, change_word, change_word, change_lines, change_columns, move_words,
    change_ends, mark, cut,
)  # fmt: skip


FORMS = (b"%d", b"0%d", b"%d.0", b"0%d.0")
"""How a label may be written."""


def expected(text):
    """What a file without quotes holds: faces by row, and the rows that are none.

    Slow and plain, apart from the code that it judges. None if the file as a whole is unusable.
    """
    text = re.sub(rb"\A(?:[ \t\v\f]*[\r\n])*", b"", text)  # blank lines
    # A byte order mark is one where its line begins; after a blank it is a letter of the name.
    header, _, rest = text.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    try:
        names = [name.strip().lower() for name in header.strip().decode().split(",")]
    except UnicodeDecodeError:
        return None
    label = [place for place, name in enumerate(names) if name in ("label", "emotion")]
    feature = [place for place, name in enumerate(names) if name in ("feature", "pixels")]
    lines = [line for line in re.split(rb"\r\n|\r|\n", rest) if line]
    if len(label) != 1 or len(feature) != 1 or b"\r" in header.strip() or not lines:
        return None
    faces, faults = {}, []
    allowed = {form % number: number for number in range(7) for form in FORMS}
    for row, columns in enumerate((line.split(b",") for line in lines), 1):
        words = columns[feature[0]].split() if len(columns) == len(names) else []
        numbers = [int(word) for word in words if re.fullmatch(rb"0*[0-9]{1,3}", word)]
        if len(words) == len(numbers) == 2304 and max(numbers) < 256:
            name = columns[label[0]].strip()
            if name in allowed:
                faces[row] = (allowed[name], numbers)
                continue
        faults.append(row)
    return faces, faults


@pytest.mark.study
@settings(max_examples=600)
@given(mutated_files())
@example(labelled(3))
@example(b" \xef\xbb\xbf" + labelled(3))
@example(b"\r\n\xef\xbb\xbf" + labelled(3))
@example(b"\r\xef\xbb\xbf" + labelled(3))
def test_any_mutation_gives_true_faces_or_a_clear_error(tmp_path_factory, text):
    """The reader finds just those faces and faults that a plain one finds, row by row."""
    path = write(tmp_path_factory.mktemp("mutated"), text)
    try:
        pixels, labels, rows, faults = read(path)
    except UserError as error:
        pixels, labels, rows, faults = None, [], [], [str(error)]
    assert not any("\n" in line or len(line) > 400 for line in faults)
    if b'"' not in text:
        should = expected(text)
        assert (pixels is None) == (should is None), (text[:60], faults)
        if should is not None:
            faces, wrong = should
            assert rows == list(faces)
            assert [int(re.match(r"train.csv: row (\d+): .", line)[1]) for line in faults] == wrong
            assert labels == [label for label, _ in faces.values()]
            assert pixels.reshape(-1, 2304).tolist() == [face for _, face in faces.values()]
        return
    # What a quote means is pyarrow's to say; a face must stand in the file, letter by letter.
    lines = [line.replace(b'"', b"").split(b",") for line in re.split(rb"[\r\n]+", text)]
    found = [
        (columns[place].strip(), columns[1 - place].split())
        for columns in lines
        for place in (0, 1)
        if len(columns) == 2
    ]
    for label, face in zip(labels, [] if pixels is None else pixels, strict=True):
        assert any(
            name in {form % label for form in FORMS}
            and len(words) == 2304
            and all(re.fullmatch(rb"0*[0-9]{1,3}", word) for word in words)
            and [int(word) for word in words] == face.ravel().tolist()
            for name, words in found
        )


@settings(max_examples=150)
@given(st.sampled_from([".gz", ".xz", ".zip"]), st.data())
def test_any_damage_to_a_packed_file_is_found_or_harmless(tmp_path_factory, packed, data):
    content = bytearray(PACKERS[packed](labelled(3)))
    for _ in range(data.draw(st.integers(1, 3))):
        ends = st.integers(0, 60) | st.integers(len(content) - 90, len(content))
        place = min(max(data.draw(ends | st.integers(0, len(content))), 0), len(content))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    path = write(tmp_path_factory.mktemp("damaged"), bytes(content), f"train.csv{packed}")
    try:
        pixels, labels, _, faults = read(path)
    except UserError as error:
        message = str(error)
    else:
        assert (pixels == FACES[:3]).all()
        assert (labels, faults) == (LABELS[:3], [])
        return
    assert re.match(rf"(\S*/)?train.csv{packed}: ", message)
    assert "\n" not in message


# Image folders


@pytest.mark.parametrize(
    ("image", "corner"),
    [
        (Image.new("L", (96, 120), 200), 200),
        (Image.new("L", (1, 2000), 200), 200),
        (Image.new("RGBA", (64, 64), (255, 255, 255, 0)), 0),
        (Image.new("RGBA", (64, 64), (200, 200, 200, 255)), 200),
        (Image.new("LA", (48, 48), (200, 0)), 0),
        (Image.new("1", (48, 48), 1), 255),
    ],
)
def test_any_image_becomes_grey_and_48_by_48(image, corner):
    face = read_image(encoded(image))
    assert face.shape == (48, 48)
    assert face.dtype == np.uint8
    assert face[0, 0] == corner


def test_shrinking_averages_instead_of_picking():
    board = (np.indices((480, 480)).sum(0) % 2 * 255).astype(np.uint8)
    assert abs(read_image(encoded(Image.fromarray(board))).astype(int) - 127).max() <= 4


# Finding the source


@pytest.mark.parametrize("packed", PACKERS)
def test_a_folder_gives_train_test_and_regions_and_a_named_file_itself_alone(tmp_path, packed):
    train, test = f"train.csv{packed}", f"test.csv{packed}"
    write(tmp_path, PACKERS[packed](labelled()), train)
    write(tmp_path, b"x", "regions.npz")
    alone = locate(str(tmp_path / train))
    assert (alone.files, alone.passed) == ([tmp_path / train], [])
    write(tmp_path, PACKERS[packed](table("id,feature", range(5), TEXTS)), test)
    write(tmp_path, labelled(), "other.csv")
    source = locate(str(tmp_path))
    assert [path.name for path in source.files] == [train, test, "regions.npz"]
    assert [each.name for each in source.passed] == ["other.csv"]
    alone = locate(str(tmp_path / train))
    assert alone.files == [tmp_path / train]
    assert [each.name for each in alone.passed] == [test]
    assert not locate(str(tmp_path / "other.csv")).passed


def test_a_single_csv_needs_no_particular_name(tmp_path):
    def found():
        source = locate(str(tmp_path))
        return [each.name for each in source.labelled], source.unlabelled, source.regions

    write(tmp_path, labelled(), "faces.csv.gz")
    assert found() == (["faces.csv.gz"], [], None)
    write(tmp_path, labelled(), "second.csv")
    with pytest.raises(UserError, match=r"faces.csv.gz, second.csv: several files of faces"):
        found()
    write(tmp_path, labelled(), "fer2013.csv")
    write(tmp_path, labelled(), "test.csv")
    assert found() == (["fer2013.csv"], [], None)


def test_a_folders_sum_changes_with_content_and_names(tmp_path):
    first, second = (encoded(Image.fromarray(face)) for face in FACES[:2])
    put(tmp_path, {"happy/a.png": first})
    sums = [Folder(tmp_path).md5()]
    (tmp_path / "happy/a.png").rename(tmp_path / "happy/b.png")
    sums.append(Folder(tmp_path).md5())
    put(tmp_path, {"happy/b.png": second})
    folder = Folder(tmp_path)
    sums.append(folder.md5())
    assert len(set(sums)) == 3
    assert list(folder.contents(["happy/b.png"]))
    assert folder.md5() == sums[-1]
    assert md5_of(write(tmp_path, b"abc")) == "900150983cd24fb0d6963f7d28e17f72"
