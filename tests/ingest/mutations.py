"""Small sets of faces in every form, damaged at random, and what may come of them.

`python -m tests.ingest.mutations 2000` damages so many of each form.
"""

import csv
import io
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.errors import UserError
from pipeline.faces.store import read_faces
from pipeline.image_decoding import ENDINGS as PICTURE_ENDINGS
from pipeline.ingest.ingest import ingest
from pipeline.ingest.labels import NAMES
from pipeline.ingest.pictures import read_image
from pipeline.ingest.sources import locate

from .files import encoded, put, table, tarred, zipped

RNG = np.random.default_rng(11)
FACES = RNG.integers(0, 256, (4, 48, 48)).astype(np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]
LABELS = (3, 0, 6, 3)
CLASSES = ("happy", "angry", "neutral", "happy")
KINDS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF", "webp": "WEBP", "tif": "TIFF"}

Found = Counter[tuple[int, bytes]]
"""Faces, each with its label, and how often it was read."""


def picture(face: int, kind: str = "PNG") -> bytes:
    return encoded(Image.fromarray(FACES[face]), kind)


ORIGINALS: Found = Counter(
    (label, face.tobytes()) for label, face in zip(LABELS, FACES, strict=True)
)
PICTURES = {f"{name}/{n}.png": picture(n) for n, name in enumerate(CLASSES)}


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three bytes changed, cut out or put in; once in a while the end is missing."""
    whole = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(whole) + 1))
        if rng.random() < 0.3:  # where headers are
            at = int(rng.choice([min(at, 64), max(len(whole) - at % 200, 0)]))
        new = rng.integers(0, 256, rng.integers(0, 3)).astype(np.uint8).tobytes()
        whole[at : at + int(rng.integers(0, 3))] = new
    return bytes(whole[: int(rng.integers(0, len(whole) + 1))] if rng.random() < 0.1 else whole)


def read(source: Path) -> tuple[Found, int]:
    """All faces of a source, and how many things it names instead."""
    made = source.parent / "made"
    found, dropped = ingest(locate(str(source)), "drop", made)
    kept = read_faces(made / "labelled")
    faces = Counter(zip(kept.labels.tolist(), map(bytes, kept.pixels), strict=True))
    named = len(dropped) + sum(each.count for each in found.passed) + found.unlabelled.faces
    return faces, named


def archive(pack: Callable[[], bytes]) -> Callable[[Path, np.random.Generator], None]:
    """An archive: each face that is read is one of those that were packed, or is named."""

    def attempt(folder: Path, rng: np.random.Generator) -> None:
        source = folder / "faces.bin"
        source.write_bytes(damaged(pack(), rng))
        faces, named = read(source)
        assert faces <= ORIGINALS, "another face, or another label"
        assert faces.total() + named >= ORIGINALS.total(), "a face vanished"

    return attempt


def pictures(folder: Path, rng: np.random.Generator) -> None:
    """Pictures in class folders, one of them damaged: it gives what Pillow shows, or is named."""
    end = str(rng.choice(list(KINDS)))
    files = {f"raw/{name}/{n}.{end}": picture(n, KINDS[end]) for n, name in enumerate(CLASSES)}
    victim = str(rng.choice(list(files)))
    files[victim] = damaged(files[victim], rng)
    put(folder, files)
    try:
        faces, named = read(folder / "raw")
    except UserError as error:
        if re.search("class '(angry|neutral)' would be dropped", str(error)):
            return
        raise AssertionError(str(error)) from None
    expected: Found = Counter()
    for n, (name, content) in enumerate(files.items()):
        if name != victim:
            expected[LABELS[n], read_image(content).tobytes()] += 1
    rest = faces - expected
    assert expected <= faces
    assert rest.total() + named == 1
    if rest:
        with Image.open(io.BytesIO(files[victim])) as image:
            assert image.size != (48, 48) or image.mode[0] in "IFP" or _same(image, rest)


def _same(image: Image.Image, rest: Found) -> bool:
    ((label, face),) = rest
    shown = np.asarray(image.convert("RGB").convert("L")).astype(int)
    return bool(np.abs(shown.ravel() - np.frombuffer(face, np.uint8)).max() <= 1 or label < 0)


def label_list(folder: Path, rng: np.random.Generator) -> None:
    """A list beside pictures, damaged: classes are those of a plain reader, or an error says."""
    rows = [f"{n}.png,{rng.choice([str(LABELS[n]), CLASSES[n]])}" for n in range(4)]
    text = damaged("\n".join(["image,label", *rows, ""]).encode(), rng)
    files = {f"{n}.png": picture(n) for n in range(4)} | {"labels.csv": text}
    faces, named = read(put(folder / "raw", files))
    expected: Found = Counter()
    for row in list(
        csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=None), skipinitialspace=True)
    )[1:]:
        name, said = [*row, "", ""][:2]
        said = said.strip().lower().removesuffix(".0")
        known = re.fullmatch(r"0?[0-6]", said) or said in NAMES
        name = name.strip().replace("\\", "/").split("/")[-1]
        stem = Path(name).stem if Path(name).suffix.lower() in PICTURE_ENDINGS else name
        if known and stem in ("0", "1", "2", "3"):
            order = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
            label = int(said) if said.isdigit() else order.index(NAMES[said])
            expected[label, FACES[int(stem)].tobytes()] = 1
    assert faces <= expected, "another face, or another label"
    assert faces.total() + named >= 4, "a face vanished"


def votes(folder: Path, rng: np.random.Generator) -> None:
    """FER+'s votes, damaged: a label is that of a plain count, or an error says."""
    parts = ("Training", "Training", "PublicTest", "PrivateTest")
    whole = table("emotion,pixels,Usage", range(4), TEXTS, parts)
    names = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    lines = [f"Usage,Image name,{names}"]
    for n in range(4):
        ballot = rng.permutation([6, 2, 1, 1, 0, 0, 0, 0, 0, 0])
        lines.append(f"{parts[n]},{n}.png,{','.join(map(str, ballot))}")
    text = damaged("\n".join([*lines, ""]).encode(), rng)
    faces, _ = read(put(folder / "raw", {"fer2013.csv": whole, "fer2013new.csv": text}))
    order = (6, 3, 5, 4, 0, 1, 2)
    shown = text.decode("utf-8-sig", "replace")
    header, *ballots = [
        line for line in csv.reader(io.StringIO(shown, newline=None)) if "".join(line).strip()
    ]
    own: Found = Counter((n, face.tobytes()) for n, face in enumerate(FACES))
    legible = "\ufffd" not in shown.splitlines()[0]
    if not legible or not {*names.lower().split(",")} <= {each.strip().lower() for each in header}:
        assert faces == own  # the file is none of votes, which ingest names
        return
    columns = [column.strip().lower() for column in header]
    expected: Found = Counter()
    for face, row in zip(FACES, ballots, strict=False):
        counts = [int(row[columns.index(name)]) for name in names.lower().split(",")]
        counts = [count if count > 1 else 0 for count in counts]
        best = counts.index(max(counts))
        if 2 * max(counts) > sum(counts) and best < 7:
            expected[order[best], face.tobytes()] += 1
    assert faces == expected


FORMS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "pictures": pictures,
    "tar": archive(lambda: tarred(PICTURES, "w")),
    "tar.gz": archive(lambda: tarred(PICTURES, "w:gz")),
    "tar.xz": archive(lambda: tarred(PICTURES, "w:xz")),
    "zip": archive(lambda: zipped(PICTURES)),
    "label list": label_list,
    "votes": votes,
}


def campaign(form: str, count: int, seed: int = 0) -> Counter[str]:
    """Damage so many sets; says how many were refused and how many read.

    Raises:
        AssertionError: one was read wrongly.
        Exception: one would have ended in a traceback.
    """
    rng = np.random.default_rng([seed, len(form)])
    ends: Counter[str] = Counter()
    for _ in range(count):
        folder = Path(tempfile.mkdtemp())
        state = rng.bit_generator.state
        try:
            FORMS[form](folder, rng)
            ends["read"] += 1
        except UserError as error:
            line = str(error).replace(str(folder), "")
            if "\n" in line or len(line) > 400:
                raise AssertionError(f"not one line: {line}") from None
            ends["refused"] += 1
        except Exception as error:
            error.add_note(f"{form}, file {ends.total() + 1}, {state['state']}, {folder}")
            raise
        shutil.rmtree(folder)
    return ends


if __name__ == "__main__":
    for each in FORMS:
        print(each, dict(campaign(each, int(sys.argv[1]))))
