"""What a file is: by its ending where that tells, else by its first bytes."""

import re
from pathlib import PurePosixPath
from typing import Literal

from pipeline.image_decoding import ENDINGS

Kind = Literal["picture", "unread picture", "table", "archive", "other"]

_UNREAD = (
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".raw", ".cr2", ".nef", ".arw",
    ".dng",
)  # fmt: skip
_TABLE = re.compile(r"\.csv(\.(gz|xz|bz2|zip))?$", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(zip|tar|tgz|txz|tbz2?|tar\.\w+|7z|rar)$", re.IGNORECASE)
UNREAD_ARCHIVES = (".7z", ".rar")
_ZIPS_OF_OTHERS = (
    ".npz", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".jar", ".pt", ".pth", ".keras",
)  # fmt: skip
_NOISE = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "icon\r"}

HEAD = 512
"""First bytes of a file that are looked at: as many as a tar's first header has."""


def is_noise(name: str) -> bool:
    """Whether a path is something that systems leave in folders, of which nobody needs to hear."""
    hidden = name.startswith(".") or "/." in name
    return hidden or not _NOISE.isdisjoint(name.lower().split("/"))


def ending_tells(name: str) -> bool:
    """Whether a file need not be opened to know that it is a picture."""
    return name.lower().endswith(ENDINGS)


def kind_of(name: str, head: bytes) -> Kind:
    """What a file is by its path and its first bytes, which may be empty where the ending tells."""
    if ending_tells(name) or is_picture(head):
        return "picture"
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _UNREAD:
        return "unread picture"
    if suffix in _ZIPS_OF_OTHERS:
        return "other"
    if is_archive(head) or (_ARCHIVE.search(name) and not _TABLE.search(name)):
        return "archive"
    return "table" if _TABLE.search(name) else "other"


def is_picture(head: bytes) -> bool:
    """Whether a file that begins so is a JPEG, PNG, GIF, BMP, TIFF, WebP or a PNM."""
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or re.match(rb"P[1-6]\s+[\d#]", head) is not None
    )


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is a zip or a tar that is not compressed."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or head[257:262] == b"ustar"
