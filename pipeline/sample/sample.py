"""The embedded sample: drawn faces with the faults of real data, in the layout of a real data set.

Some labels are wrong, some faces stand twice and some stand in both files, so that every check of
the data finds something.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import disk
from pipeline.faces.expressions import EXPRESSIONS, PIXELS
from pipeline.layout import is_sample
from pipeline.params import Params
from pipeline.params import Sample as SampleParams
from pipeline.sample.drawing.actions import IntArray
from pipeline.sample.drawing.photograph import draw_faces

TRAIN, TEST, REGIONS = "train.csv.gz", "test.csv.gz", "regions.npz"
"""File names inside the sample's folder."""

SHARES = (0.139, 0.015, 0.143, 0.251, 0.168, 0.111, 0.173)
"""Share of each expression, in the order of `EXPRESSIONS`; as in FER2013's training faces."""

FEWEST = 5
"""Faces that even the rarest expression has."""

MISTAKEN: dict[str, tuple[str, ...]] = {
    "angry": ("disgust", "sad", "neutral"),
    "disgust": ("angry",),
    "fear": ("surprise", "sad"),
    "happy": ("neutral", "surprise"),
    "sad": ("neutral", "fear"),
    "surprise": ("fear", "happy"),
    "neutral": ("sad", "angry"),
}
"""What people who label faces take each expression for."""

SHARED = 0.05
"""Share of the unlabelled faces that also stand among the labelled ones."""

_COMPRESSION = 4
"""Of gzip: level 6 would take five times as long to save a tenth."""


@dataclass(frozen=True)
class Sample:
    """A drawn data set of N labelled and M unlabelled faces of 48 x 48 pixels.

    Attributes:
        labels: what a label file would say, (N,).
        expressions: what was drawn, (N,); a mislabelled face has another label.
        sources: the row that a copied face was taken from, -1 for all others, (N,).
        regions: where brows, eyes and mouth are, bool (N, 48, 48) each.
        shared: the labelled row that an unlabelled face equals, -1 for all others, (M,).
    """

    pixels: NDArray[np.uint8]
    labels: IntArray
    expressions: IntArray
    sources: IntArray
    regions: dict[str, NDArray[np.bool_]]
    unlabelled: NDArray[np.uint8]
    shared: IntArray


def make_sample(params: SampleParams) -> Sample:
    """Draw a data set; equal parameters give equal faces."""
    rng = np.random.default_rng(params.seed)
    expressions = draw_expressions(params.faces, rng)
    sources = _choose_copies(expressions, params.copies, rng)
    labels = _mislabel(expressions, params.mislabelled, rng)
    shared = _choose_shared(params.unlabelled, params.faces, rng)

    every = np.concatenate([expressions, draw_expressions(params.unlabelled, rng, fewest=0)])
    faces = draw_faces(every, _strengths(len(every), rng), rng, params.noise)

    rows = np.where(sources < 0, np.arange(params.faces), sources)
    pixels = faces.pixels[: params.faces][rows]
    unlabelled = faces.pixels[params.faces :].copy()
    unlabelled[shared >= 0] = pixels[shared[shared >= 0]]
    regions = {name: region[: params.faces][rows] for name, region in faces.regions.items()}
    return Sample(pixels, labels, expressions, sources, regions, unlabelled, shared)


def write_sample(sample: Sample, folder: Path) -> None:
    """Write `train.csv.gz`, `test.csv.gz` (where there are unlabelled faces) and `regions.npz`.

    Equal samples give equal bytes. Each file appears whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / TRAIN, "label,feature", sample.labels, sample.pixels)
    if len(sample.unlabelled):
        ids = np.arange(len(sample.unlabelled))
        _write_csv(folder / TEST, "id,feature", ids, sample.unlabelled)
    else:
        (folder / TEST).unlink(missing_ok=True)
    with disk.whole(folder / REGIONS) as partial, partial.open("wb") as file:
        # Zip entries that numpy writes carry a fixed date, so nothing in here tells the time.
        np.savez_compressed(file, **sample.regions)  # type: ignore[arg-type]


def draw_expressions(count: int, rng: np.random.Generator, fewest: int = FEWEST) -> IntArray:
    """So many labels in random order, in FER2013's shares, at least `fewest` of each."""
    counts = np.maximum(np.floor(np.array(SHARES) * count).astype(np.int64), fewest)
    # What rounding and the rarest expressions leave over, or take, the commonest one carries.
    counts[np.argmax(SHARES)] += count - counts.sum()
    return rng.permutation(np.repeat(np.arange(len(EXPRESSIONS)), counts))


def true_expressions(params: Params) -> IntArray | None:
    """The expression of each labelled row of the sample, (N,); none if other faces are studied."""
    if not is_sample(params.data.source):
        return None
    # They are what `make_sample` draws first; chance that comes later changes labels alone.
    return draw_expressions(params.sample.faces, np.random.default_rng(params.sample.seed))


def _strengths(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How strongly expressions show: mostly clearly, in some faces hardly at all."""
    return (0.1 + 0.9 * rng.beta(1.9, 1.3, count)).astype(np.float32)


def _choose_copies(expressions: IntArray, share: float, rng: np.random.Generator) -> IntArray:
    """For each row the row of the same expression that it copies, or -1."""
    firsts = np.unique(expressions, return_index=True)[1]
    # Every expression keeps an original, even if all the faces are to be copies.
    free = np.setdiff1d(np.arange(len(expressions)), firsts)
    copies = rng.choice(free, min(round(share * len(expressions)), len(free)), replace=False)
    originals = np.setdiff1d(np.arange(len(expressions)), copies)
    sources = np.full(len(expressions), -1)
    for row in copies:
        sources[row] = rng.choice(originals[expressions[originals] == expressions[row]])
    return sources


def _mislabel(expressions: IntArray, share: float, rng: np.random.Generator) -> IntArray:
    labels = expressions.copy()
    for row in rng.choice(len(labels), round(share * len(labels)), replace=False):
        mistake = rng.choice(MISTAKEN[EXPRESSIONS[expressions[row]]])
        labels[row] = EXPRESSIONS.index(str(mistake))
    return labels


def _choose_shared(count: int, faces: int, rng: np.random.Generator) -> IntArray:
    shared = np.full(count, -1)
    some = min(int(np.ceil(SHARED * count)), faces)
    rows = rng.choice(count, some, replace=False) if count else np.empty(0, np.int64)
    shared[rows] = rng.choice(faces, some, replace=False)
    return shared


def _write_csv(path: Path, header: str, numbers: IntArray, pixels: NDArray[np.uint8]) -> None:
    words = [str(grey) for grey in range(256)]
    lines = [
        f"{number},{' '.join(map(words.__getitem__, face))}"
        for number, face in zip(numbers.tolist(), pixels.reshape(-1, PIXELS).tolist(), strict=True)
    ]
    text = "\n".join([header, *lines, ""]).encode("ascii")
    with (
        disk.whole(path) as partial,
        partial.open("wb") as file,
        gzip.GzipFile("", "wb", _COMPRESSION, fileobj=file, mtime=0) as packed,
    ):
        packed.write(text)
