"""What the stage `saliency` finds of each network, as `saliency.json` holds it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName
from pipeline.statistics.intervals import Interval


@dataclass(frozen=True)
class Deletion:
    """Probability of the answer while pixels are deleted, over the measured faces.

    Attributes:
        shares: of the pixels that are deleted, one for each point of a curve.
        salient: the mean curve by the kind of map, the brightest pixels first.
        random: the mean curve in random orders.
        area_random: the mean of that curve over all shares.
        difference: area at random less that by the map, by the kind of map.
        opponents: the area by orders that know no face less that by the SmoothGrad map: the mean
            map of all measured faces, and from the centre outward. Above 0 the map knows more.
    """

    shares: list[float]
    salient: dict[str, list[float]]
    random: list[float]
    area_random: float
    difference: dict[str, Interval]
    opponents: dict[str, Interval]


@dataclass(frozen=True)
class Randomisation:
    """Spearman's correlation of maps with those of the same network without what it learned.

    Attributes:
        faces: how many were explained again for each layer.
        spearman: by the layer from which on to the answer nothing is left.
        all: with all layers randomised.
        others: the same with the maps of other faces: what maps of all faces have in common.
        excess: of `all` over `others`: what comes from the face and not from learning.
    """

    faces: int
    spearman: dict[str, float]
    all: Interval
    others: float
    excess: Interval


@dataclass(frozen=True)
class SaliencyResult:
    """What one network's maps are worth; what rests on features is None where none are known.

    Attributes:
        faces_measured: how many faces the figures below rest on.
        completeness_error: how far integrated gradients are from adding up to the change of the
            score, as a share of it.
        share_on_features: of the SmoothGrad maps, what falls on brows, eyes and mouth.
        area_of_features: the share of the picture that these cover.
        share_untrained: as `share_on_features`, before any training.
        lift: `share_on_features` over `area_of_features`; above 1 is more than chance.
        learned: `share_on_features` less `share_untrained`; above 0 is due to training.
    """

    faces_measured: int
    completeness_error: float
    deletion: Deletion
    randomisation: Randomisation
    share_on_features: float | None = None
    area_of_features: float | None = None
    share_untrained: float | None = None
    lift: Interval | None = None
    learned: Interval | None = None


def read() -> dict[ModelName, SaliencyResult]:
    """The results that the stage wrote."""
    return read_json(dict[ModelName, SaliencyResult], layout.folder("saliency") / "saliency.json")


def headline(results: Mapping[ModelName, SaliencyResult]) -> dict[str, float]:
    """The few numbers by which experiments are compared."""
    numbers = {
        **{f"{m}_deletion": r.deletion.difference["smoothgrad"].value for m, r in results.items()},
        **{f"{m}_randomised": r.randomisation.all.value for m, r in results.items()},
        "on_features": results["cnn"].share_on_features,
        "by_chance": results["cnn"].area_of_features,
        "untrained": results["cnn"].share_untrained,
    }
    # Real faces come without the truth about their features.
    return {name: value for name, value in numbers.items() if value is not None}
