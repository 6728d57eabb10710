"""Brows, eyes and mouth where a source knows them: kept for the faces that were kept."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import disk
from pipeline.errors import UserError
from pipeline.faces.expressions import SIDE


def keep_regions(
    source: Path | None, kept: NDArray[np.int64], rows: int, target: Path
) -> list[str]:
    """Write the regions of the kept faces, or an archive without arrays where there are none.

    Args:
        source: an `.npz` of boolean arrays (rows, 48, 48), a mask for each row of the labelled
            file.
        kept: the rows that became faces, from 1.
        rows: how many rows the labelled file has.
        target: the `.npz` to write.

    Returns:
        The regions' names.

    Raises:
        UserError: the archive is broken, or not one of boolean arrays of that shape.
    """
    regions: dict[str, Any] = {}
    if source is not None:
        try:
            with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                regions = {name: archive[name] for name in archive.files}
        # numpy and zipfile raise nearly anything at a damaged file.
        except Exception as error:
            detail = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"{source.name}: not an archive of arrays: {detail}") from None
    for name, mask in regions.items():
        if not isinstance(mask, np.ndarray):  # a file in the archive that is no array
            raise UserError(f"regions.npz: {name}: not an array")
        if mask.dtype != np.bool_ or mask.shape != (rows, SIDE, SIDE):
            raise UserError(
                f"regions.npz: {name}: {mask.dtype} of shape {mask.shape}; "
                f"expected bool of shape {(rows, SIDE, SIDE)}, a mask for each row of the "
                f"labelled file"
            )
    masks: dict[str, Any] = {name: mask[kept - 1] for name, mask in regions.items()}
    with disk.whole(target) as partial, partial.open("wb") as out:
        np.savez_compressed(out, **masks)
    return sorted(regions)


def read_regions(path: Path) -> dict[str, NDArray[np.bool_]] | None:
    """Regions of the labelled faces (N, 48, 48) by name, or None where nobody knows them."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files} or None
