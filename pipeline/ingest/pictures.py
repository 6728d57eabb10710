"""Pictures of a folder or an archive to batches of faces, a few at a time in two threads."""

import io
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from pipeline.faces.batch import Batch, Fault, Progress
from pipeline.faces.expressions import SIDE
from pipeline.image_decoding import FORMATS, upright, why
from pipeline.ingest.archives import Container
from pipeline.ingest.folder import Folder
from pipeline.ingest.labels import LEFT_OUT, Labels
from pipeline.ingest.pixels import Grey
from pipeline.ingest.small_png import decode, filtered_rows

Content = tuple[str, bytes | Exception]
"""A picture's name and bytes, or why it cannot be read."""

NO_IMAGE = "not an image that can be read"

_BATCH = 1024
_MOST = 1 << 24
"""Bytes of pictures out of an archive that wait to be decoded together."""

_THREADS = 2

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Item(NamedTuple):
    """A picture, and what its place says of it."""

    name: str
    """Its path in its container."""
    label: int
    usage: str | None
    said: str
    """The class as it is written; empty without one."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one container, with a class each or all without one."""

    container: Container
    items: Sequence[Item]

    @property
    def name(self) -> str:
        """What holds them."""
        return self.container.path.name

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.items)

    def batches(
        self,
        labels: Labels,
        progress: Progress | None = None,
        *,
        keep_text: bool = False,  # noqa: ARG002 (a fault always keeps its picture's name)
    ) -> Generator[Batch, None, None]:
        """Read them all, in the container's order; a picture that is no face is a fault.

        Rows count from 1 over these pictures.
        """
        items = {item.name: item for item in self.items if item.label != LEFT_OUT}
        left_out = [item.said for item in self.items if item.label == LEFT_OUT]
        labels.seen.update(left_out)
        labels.kept.update(left_out)
        tell, first = progress or (lambda _: None), 1
        tell(len(left_out))
        with ThreadPoolExecutor(_THREADS) as pool, warnings.catch_warnings():
            # What is odd in a picture that can be read is no matter; too many pixels are refused.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            for names, faces, faults in _ahead(pool, _decode, self._chunks(list(items))):
                yield self._batch([items[name] for name in names], faces, faults, first, labels)
                first += len(names)
                tell(len(names))

    def _chunks(self, names: list[str]) -> Iterator[Iterable[Content]]:
        """What gives the bytes of a few pictures at a time."""
        if isinstance(self.container, Folder):  # whose files are read where they are decoded
            for start in range(0, len(names), _BATCH):
                yield self.container.contents(names[start : start + _BATCH])
        else:
            contents = self.container.contents(names)
            while chunk := list(_next_few(contents)):
                yield chunk

    def _batch(
        self, items: list[Item], faces: Grey, faults: dict[int, str], first: int, labels: Labels
    ) -> Batch:
        kept = [place for place in range(len(items)) if place not in faults]
        names, classes, usage, said = list(zip(*(items[i] for i in kept), strict=True)) or [()] * 4
        labels.seen.update(item.said for item in items if item.said)
        labels.kept.update(each for each in said if each)
        rows = np.array(kept, np.int64) + first
        return Batch(
            pixels=faces[kept] if faults else faces,
            labels=np.array(classes, np.int8),
            usage=usage,
            rows=rows,
            ids=rows - 1,
            names=names,
            faults=[
                Fault(self.name, first + place, reason, items[place].name)
                for place, reason in faults.items()
            ],
        )


def _next_few(contents: Iterator[Content]) -> Iterator[Content]:
    """As many as are decoded at once, or fewer where they are large."""
    size = 0
    for count, (name, content) in enumerate(contents, 1):
        yield name, content
        size += 0 if isinstance(content, Exception) else len(content)
        if count == _BATCH or size > _MOST:
            return


def _decode(contents: Iterable[Content]) -> tuple[list[str], Grey, dict[int, str]]:
    """Pictures by name: their faces, (n, 48, 48), and by its place what is wrong with one."""
    names: list[str] = []
    plain: dict[int, bytes] = {}
    others: dict[int, Grey] = {}
    faults: dict[int, str] = {}
    for place, (name, content) in enumerate(contents):
        names.append(name)
        try:
            if isinstance(content, Exception):
                raise content
            rows = filtered_rows(content)
            if rows is None:
                others[place] = read_image(content)
            else:
                plain[place] = rows
        except Exception as error:  # Pillow's plug-ins raise nearly anything at a damaged file
            faults[place] = f"{name}: {NO_IMAGE}: {why(error)}"
    decoded = decode(list(plain.values()))
    if len(plain) == len(names):
        return names, decoded, faults
    faces = np.zeros((len(names), SIDE, SIDE), np.uint8)
    faces[list(plain)] = decoded
    for place, face in others.items():
        faces[place] = face
    return names, faces, faults


def read_image(content: bytes) -> Grey:
    """Read one picture as a face of shape (48, 48).

    Colours become grey by their brightness (ITU-R 601); another size or proportion is brought to 48
    by 48 with antialiasing. More than `Image.MAX_IMAGE_PIXELS` (89 million) are refused before they
    take a gigabyte: no face needs them.

    Raises:
        Exception: nearly any, at what is no picture.
    """
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        image = upright(opened).convert("L")
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        return np.asarray(image)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Argument], Result], arguments: Iterable[Argument]
) -> Iterator[Result]:
    """The results of work, in order, while a little more of it is under way than is asked for."""
    waiting: deque[Future[Result]] = deque()
    for each in arguments:
        waiting.append(pool.submit(work, each))
        if len(waiting) > 2 * _THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
