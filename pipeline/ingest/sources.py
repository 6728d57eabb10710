"""Where the faces come from: what `data.source` names, and what lies there."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import UserError
from pipeline.ingest.compressed import PACKED
from pipeline.ingest.image_folder import find_images, size_of

_REGIONS = "regions.npz"


@dataclass(frozen=True)
class Source:
    """The files of one set of faces."""

    kind: Literal["csv", "images"]
    labelled: Path
    """A CSV file, or the folder of images."""
    unlabelled: Path | None = None
    """Likewise; with images, the same folder."""
    regions: Path | None = None
    """Boolean arrays, aligned with the labelled file's rows."""
    overlooked: Path | None = None
    """A file of faces without labels that is not read, as only the file beside it is named."""

    @property
    def files(self) -> list[Path]:
        """Everything that is read, each path once."""
        places = (self.labelled, self.unlabelled, self.regions)
        return list(dict.fromkeys(path for path in places if path is not None))

    @property
    def size(self) -> int:
        """Bytes on disk that reading the faces goes through, for a progress bar."""
        if self.kind == "images":
            return sum(size_of(item.path) for item in find_images(self.labelled))
        return sum(path.stat().st_size for path in self.files if path != self.regions)


def locate(source: str) -> Source:
    """Find the faces that `data.source` means.

    A file is a CSV file of faces, and all that is read: DVC watches nothing beside it. A folder
    holds a CSV file `train`, with `test` beside it for faces without labels, or `fer2013.csv`, or
    one CSV file of another name, or else images in folders named after classes. A folder's
    `regions.npz` is taken along with its CSV file.

    Raises:
        UserError: nothing usable is there, or it must not be read.
    """
    try:
        return _locate(source)
    except OSError as error:
        raise UserError(f"data.source = {source!r}: cannot be read: {error.strerror}") from None


def _locate(source: str) -> Source:
    path = Path(source)
    if path.is_file():
        return Source("csv", path, overlooked=_test_beside(path))
    if not path.is_dir():
        raise UserError(f"data.source = {source!r}: no such file or folder")
    file = _find_csv(path, "train") or _find_csv(path, "fer2013") or _only_csv(path)
    if file is not None:
        regions = path / _REGIONS
        return Source("csv", file, _test_beside(file), regions if regions.is_file() else None)
    items = find_images(path)
    if not any(item.label >= 0 for item in items):
        endings = ", ".join(f"{name}.csv[.gz|.xz|.zip]" for name in ("train", "fer2013", "*"))
        found = f"only {len(items)} images without a class" if items else "none of these"
        raise UserError(
            f"data.source = {source!r}: looked for {endings} and for images (.jpg, .jpeg, .png) "
            f"in folders named after expressions; found {found}"
        )
    loose = path if any(item.label < 0 for item in items) else None
    return Source("images", path, loose)


def _test_beside(file: Path) -> Path | None:
    return _find_csv(file.parent, "test") if file.name.split(".")[0] == "train" else None


def _find_csv(folder: Path, stem: str) -> Path | None:
    candidates = (folder / f"{stem}.csv{packed}" for packed in PACKED)
    return next((path for path in candidates if path.is_file()), None)


def _only_csv(folder: Path) -> Path | None:
    endings = tuple(f".csv{packed}" for packed in PACKED)
    files = sorted(path for path in folder.iterdir() if path.name.lower().endswith(endings))
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise UserError(
            f"data.source = {str(folder)!r}: several CSV files and none named train or fer2013: "
            f"{names}; name one of them"
        )
    return files[0] if files else None


def fingerprint(path: Path) -> str:
    """MD5 sum of a file, or of the names and sums of a folder's images; empty if unreadable."""
    if path.is_dir():
        lines = [
            f"{item.path.relative_to(path).as_posix()} {fingerprint(item.path)}\n"
            for item in find_images(path)
        ]
        return hashlib.md5("".join(lines).encode(), usedforsecurity=False).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError:  # an image that is dropped; a file was read before anybody asks for its sum
        return ""
