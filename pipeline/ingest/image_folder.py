"""Faces from a folder of images: `happy/a.jpg`, `train/3/b.png`, or images without a class.

A folder's class is an expression's name, a common synonym or a label 0 to 6. Under `train`,
`validation` or `test` a face also gets FER2013's name of that part.
"""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.errors import UserError
from pipeline.faces.batch import UNLABELLED, Batch, Fault, Progress
from pipeline.faces.expressions import EXPRESSIONS, SIDE

SUFFIXES = (".jpg", ".jpeg", ".png")

OTHER_SUFFIXES = (".bmp", ".gif", ".pgm", ".tif", ".tiff", ".webp")
"""Images, too: whoever has faces in these would miss them."""

_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_CLASSES = {
    **{name: label for label, name in enumerate(EXPRESSIONS)},
    **{str(label): label for label in range(len(EXPRESSIONS))},
    **{synonym: EXPRESSIONS.index(name) for synonym, name in _SYNONYMS.items()},
}
_PARTS = {
    "train": "Training",
    "validation": "PublicTest",
    "val": "PublicTest",
    "test": "PrivateTest",
}
_BATCH = 128


class Item(NamedTuple):
    """An image and what its folders say about it."""

    path: Path
    label: int
    """-1 where no folder names a class."""
    usage: str | None


def find_images(root: Path) -> list[Item]:
    """List a folder's images, sorted by path; hidden files and what is no image are passed over.

    Raises:
        UserError: an image lies in a folder whose name is no class, or is of another kind, or a
            folder cannot be read or is a link.
    """
    items = []
    # Not `rglob`, which passes over a folder that it may not read.
    walk = os.walk(root, onerror=_refuse)
    found = [Path(place, name) for place, folders, files in walk for name in (*folders, *files)]
    for path in sorted(found):
        inside = path.relative_to(root)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if path.is_dir():
            if path.is_symlink():
                raise UserError(f"{root.name}/{inside}: is a link; expected a folder of images")
            continue
        if path.suffix.lower() in OTHER_SUFFIXES:
            kinds = ", ".join(SUFFIXES)
            raise UserError(
                f"{root.name}/{inside}: expected one of {kinds}; convert it, or remove it"
            )
        if path.suffix.lower() not in SUFFIXES:
            continue
        folders = [part.lower() for part in inside.parts[:-1]]
        usage = _PARTS.get(folders[0]) if folders else None
        classes = folders[1:] if usage else folders
        if classes and (len(classes) > 1 or classes[0] not in _CLASSES):
            raise UserError(
                f"{root.name}/{inside.parent}: {'/'.join(classes)!r} is no expression; "
                f"expected one folder named {', '.join(EXPRESSIONS)} or 0 to 6"
            )
        label = _CLASSES[classes[0]] if classes else UNLABELLED
        items.append(Item(path, label, usage))
    return items


def _refuse(error: OSError) -> NoReturn:
    raise UserError(f"{error.filename}: cannot be read: {error.strerror}")


def read_images(root: Path, labelled: bool, progress: Progress | None = None) -> Iterator[Batch]:
    """Read a folder's images, those with a class or those without one.

    Rows count from 1 over the images read, sorted by path. An image that cannot be read is among
    a batch's faults.

    Raises:
        UserError: see `find_images`.
    """
    items = [item for item in find_images(root) if (item.label != UNLABELLED) == labelled]
    for start in range(0, len(items), _BATCH):
        yield _read_batch(root, items[start : start + _BATCH], start + 1, progress)


def _read_batch(root: Path, items: list[Item], first: int, progress: Progress | None) -> Batch:
    faces, kept, rows, names, faults = [], [], [], [], []
    for row, item in enumerate(items, first):
        name = item.path.relative_to(root).as_posix()
        try:
            faces.append(read_image(item.path))
        # Pillow's plug-ins raise nearly anything at a damaged file.
        except Exception as error:
            detail = " ".join(str(error).split()).replace(str(item.path), name)
            reason = f"{name}: not an image that can be read: {detail}"
            faults.append(Fault(root.name, row, reason, name))
        else:
            kept.append(item)
            rows.append(row)
            names.append(name)
        if progress is not None:
            progress(size_of(item.path))
    numbers = np.array(rows, np.int64)
    return Batch(
        pixels=np.array(faces, np.uint8).reshape(-1, SIDE, SIDE),
        labels=np.array([item.label for item in kept], np.int8),
        usage=[item.usage for item in kept],
        rows=numbers,
        ids=numbers - 1,
        names=names,
        faults=faults,
    )


def size_of(path: Path) -> int:
    """Bytes of a file; none where a link leads nowhere, which reading then says."""
    return path.stat().st_size if path.exists() else 0


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read one image as a face of shape (48, 48).

    Colours become grey by their brightness (ITU-R 601), transparent parts black; another size or
    proportion is brought to 48 by 48 with antialiasing. More than `Image.MAX_IMAGE_PIXELS` (89
    million) are refused before they take a gigabyte: no face needs them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        opened = Image.open(path)
    with opened:
        image: Image.Image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            # 16 bits a pixel: Pillow's own conversion would clip at 255 instead of scaling.
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
        image = image.convert("L")
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        return np.asarray(image)
