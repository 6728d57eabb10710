"""How much of the maps falls on brows, eyes and mouth, against two kinds of chance.

One is the area that they cover. But convolutions that have learned nothing respond to edges and
less to the border: their maps are the other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import layout
from pipeline.faces.regions import read_regions
from pipeline.saliency.saliency import Maps
from pipeline.statistics.intervals import mean_interval


def known_features() -> NDArray[np.bool_] | None:
    """Where brows, eyes and mouth of the labelled faces are, (faces, 48, 48), if that is known."""
    regions = read_regions(layout.REGIONS)
    return None if regions is None else np.any(list(regions.values()), axis=0)


def measure_on_features(maps: Maps, untrained: Maps, inside: NDArray[np.bool_]) -> dict[str, Any]:
    """The fields of `SaliencyResult` that rest on features.

    Of maps (N, 48, 48) by SmoothGrad, of those of the same faces by the same network before any
    training, and of which pixels are inside a feature.
    """
    shares, area = share_inside(maps, inside), inside.mean(axis=(1, 2))
    without = share_inside(untrained, inside)
    return {
        "share_on_features": float(shares.mean()),
        "area_of_features": float(area.mean()),
        "share_untrained": float(without.mean()),
        "lift": mean_interval(shares / area),
        "learned": mean_interval(shares - without),
    }


def share_inside(maps: Maps, regions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each map's saliency that falls inside its region (N, 48, 48): (N,), 0..1."""
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.where(regions, maps, 0).sum(axis=(1, 2), dtype=np.float64)
    shares: NDArray[np.float64] = inside / np.maximum(total, np.finfo(np.float64).tiny)
    return shares
