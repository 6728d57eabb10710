"""Pictures of a folder or an archive to batches of faces, a few at a time in two threads."""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.faces.batch import Batch, Fault, Progress
from pipeline.faces.expressions import SIDE
from pipeline.ingest.containers import Container
from pipeline.ingest.folder import Folder
from pipeline.ingest.images import read_image
from pipeline.ingest.labels import LEFT_OUT, Labels
from pipeline.ingest.small_png import decode, filtered_rows

_BATCH = 256
_THREADS = 2

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
        """Bytes that reading goes through."""
        sizes = {member.name: member.size for member in self.container.members}
        return sum(sizes[item.name] for item in self.items)

    def batches(
        self,
        labels: Labels,
        progress: Progress | None = None,
        *,
        keep_text: bool = False,  # noqa: ARG002 (a fault always keeps its picture's name)
    ) -> Iterator[Batch]:
        """Read them all, in the container's order; a picture that is no face is a fault.

        Rows count from 1 over these pictures.
        """
        left_out = [item for item in self.items if item.label == LEFT_OUT]
        items = [item for item in self.items if item.label != LEFT_OUT]
        labels.seen.update(item.said for item in left_out)
        labels.kept.update(item.said for item in left_out)
        first = 1
        with ThreadPoolExecutor(_THREADS) as pool, _quiet():
            for decoded in _ahead(pool, _decode, self._chunks(items, progress)):
                yield self._batch(decoded, first, labels)
                first += len(decoded.items)

    def _chunks(
        self, items: list[Item], progress: Progress | None
    ) -> Iterator[tuple[list[Item], Iterable[tuple[str, bytes | Exception]]]]:
        """A few pictures at a time, with what gives their bytes."""
        sizes = {member.name: member.size for member in self.container.members}
        contents = self.container.contents([item.name for item in items], progress)
        by_name = {item.name: item for item in items}
        for start in range(0, len(items), _BATCH):
            chunk = items[start : start + _BATCH]
            if isinstance(self.container, Folder):  # whose files are read where they are decoded
                yield chunk, self.container.contents([item.name for item in chunk])
                if progress is not None:
                    progress(sum(sizes[item.name] for item in chunk))
            else:
                found = list(islice(contents, len(chunk)))
                yield [by_name[name] for name, _ in found], found

    def _batch(self, decoded: "_Decoded", first: int, labels: Labels) -> Batch:
        items = [decoded.items[place] for place in decoded.kept]
        labels.seen.update(item.said for item in decoded.items if item.said)
        labels.kept.update(item.said for item in items if item.said)
        numbers = np.array(decoded.kept, np.int64) + first
        return Batch(
            pixels=decoded.faces[decoded.kept],
            labels=np.array([item.label for item in items], np.int8),
            usage=[item.usage for item in items],
            rows=numbers,
            ids=numbers - 1,
            names=[item.name for item in items],
            faults=[
                Fault(self.name, first + place, reason, decoded.items[place].name)
                for place, reason in decoded.faults.items()
            ],
        )


class _Decoded(NamedTuple):
    """Some pictures: the faces of those that were kept, and what is wrong with the others."""

    items: list[Item]
    faces: NDArray[np.uint8]
    kept: list[int]
    faults: dict[int, str]


def _decode(items: list[Item], contents: Iterable[tuple[str, bytes | Exception]]) -> _Decoded:
    faces = np.empty((len(items), SIDE, SIDE), np.uint8)
    plain: dict[int, bytes] = {}
    faults: dict[int, str] = {}
    for place, (name, content) in enumerate(contents):
        try:
            if isinstance(content, Exception):
                raise content
            rows = filtered_rows(content)
            if rows is None:
                faces[place] = read_image(content)
            else:
                plain[place] = rows
        # Pillow's plug-ins raise nearly anything at a damaged file.
        except Exception as error:
            faults[place] = _why(name, error)
    faces[list(plain)] = decode(list(plain.values()))
    return _Decoded(items, faces, [i for i in range(len(items)) if i not in faults], faults)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[..., Result], arguments: Iterable[tuple[Any, ...]]
) -> Iterator[Result]:
    """The results of work, in order, while a little more of it is under way than is asked for."""
    waiting: deque[Future[Result]] = deque()
    for each in arguments:
        waiting.append(pool.submit(work, *each))
        if len(waiting) > 2 * _THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _quiet() -> Iterator[None]:
    """What is odd in a picture that can be read is no matter; one of too many pixels is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _why(name: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        detail = f"cannot be read: {error.strerror}"
    else:
        detail = " ".join(str(error).split()) or type(error).__name__
        detail = "no picture of a kind that is read" if "cannot identify" in detail else detail
    return (
        f"{name}: not an image that can be read: {detail[:160]}; save it anew as PNG, remove it, "
        "or set data.on_bad_row: drop"
    )
