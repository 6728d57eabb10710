"""A picture's bytes to a face of 48 by 48 grey values, and many of them to batches."""

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.faces.batch import Batch, Fault, Progress
from pipeline.faces.expressions import SIDE
from pipeline.ingest.containers import Container
from pipeline.ingest.labels import LEFT_OUT, Labels
from pipeline.ingest.small_png import decode, filtered_rows

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What Pillow may take a picture for: none of these starts another program."""

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners give, whatever a file makes of them."""

_MOST = {False: 65535, True: 255}
"""The brightest that whole numbers may be, and fractions."""

_TURNED = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Where a picture says which side is up."""

_BATCH = 256


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
        for item in self.items:
            if item.label == LEFT_OUT:  # counted, not read
                labels.seen[item.said] += 1
                labels.kept[item.said] += 1
        items = {item.name: item for item in self.items if item.label != LEFT_OUT}
        waiting: list[tuple[Item, bytes | Exception]] = []
        first = 1
        for name, content in self.container.contents(items, progress):
            waiting.append((items[name], content))
            if len(waiting) == _BATCH:
                yield self._batch(waiting, first, labels)
                first, waiting = first + len(waiting), []
        if waiting:
            yield self._batch(waiting, first, labels)

    def _batch(
        self, found: list[tuple[Item, bytes | Exception]], first: int, labels: Labels
    ) -> Batch:
        faces = np.empty((len(found), SIDE, SIDE), np.uint8)
        kept, plain, faults = [], {}, []
        for place, (item, content) in enumerate(found):
            if item.said:
                labels.seen[item.said] += 1
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
                faults.append(Fault(self.name, first + place, _why(item.name, error), item.name))
                continue
            if item.said:
                labels.kept[item.said] += 1
            kept.append(place)
        faces[list(plain)] = decode(list(plain.values()))
        items = [found[place][0] for place in kept]
        numbers = np.array(kept, np.int64) + first
        return Batch(
            pixels=faces[kept],
            labels=np.array([item.label for item in items], np.int8),
            usage=[item.usage for item in items],
            rows=numbers,
            ids=numbers - 1,
            names=[item.name for item in items],
            faults=faults,
        )


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


def read_image(content: bytes) -> NDArray[np.uint8]:
    """Read one picture as a face of shape (48, 48).

    The first frame counts, turned upright where it says how (EXIF). Colours become grey by their
    brightness (ITU-R 601), transparent parts black; another size or proportion is brought to 48 by
    48 with antialiasing. More than `Image.MAX_IMAGE_PIXELS` (89 million) are refused before they
    take a gigabyte: no face needs them.

    Raises:
        Exception: nearly any, at what is no picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd in a picture that can be read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            return _as_face(opened, content)


def _as_face(opened: Image.Image, content: bytes) -> NDArray[np.uint8]:
    image = opened
    if content.startswith(b"\x89PNG") and content[24] == 16 and image.mode != "I;16":
        _check_colours(image)
    if not _TURNED.isdisjoint(image.info) or image.format == "TIFF":
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_as_bytes(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    image = image.convert("L")
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _as_bytes(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of more than 8 bits by their real range, which a file does not tell.

    Whole numbers lie in the least of 8, 10, 12, 14 or 16 bits that holds the brightest: a picture
    of 8 bits that was saved with 16 is not black. Fractions lie in 0 to 1, or else in 0 to 255.

    Raises:
        ValueError: they lie in none of these.
    """
    least, most = grey.min(), grey.max()
    if not np.isfinite(grey).all() or least < 0 or most > _MOST[grey.dtype.kind == "f"]:
        raise ValueError(
            f"values {least:g} to {most:g}; expected 0 to 1, 0 to 255 or 0 to 65535: rescale it"
        )
    if grey.dtype.kind == "f":
        return np.rint(grey * (255.0 if most <= 1 else 1.0)).astype(np.uint8)
    bits = next(bits for bits in _DEPTHS if most < 1 << bits)
    return (grey.astype(np.int64) >> (bits - 8)).astype(np.uint8)


def _check_colours(image: Image.Image) -> None:
    """See that a coloured PNG of 16 bits uses them: Pillow keeps the upper eight alone.

    Raises:
        ValueError: it holds fewer bits than it says.
    """
    bands = image.convert("RGBA").split()[:3]
    brightest = max(int(np.asarray(band).max()) for band in bands)
    if brightest < 1 << 6:
        raise ValueError(
            f"16 bits a colour, of which only the lowest are used (brightest {brightest} of 255); "
            "save it with 8 bits"
        )
