"""What the stage `lime` finds of each network: `lime.json`, and its headline in `metrics.json`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName


@dataclass(frozen=True)
class FaceExplained:
    """LIME of one face; what is None could not be computed, as the network's answer was constant.

    Attributes:
        face: its place among all labelled faces.
        predicted: the expression that the network names, which is explained.
        samples: faces with some segments hidden.
        r2: share of the variance of the network's answer that the linear model explains, over
            samples that it was not fitted to.
        overlap: of the marked segments between two seeds (Jaccard).
        correlation: of all weights between two seeds.
    """

    face: int
    predicted: str
    probability: float
    segments: int
    samples: int
    r2: float | None
    overlap: float | None
    correlation: float | None


@dataclass(frozen=True)
class Mean:
    """Means over the faces that have the number."""

    r2: float | None
    overlap: float | None
    correlation: float | None


@dataclass(frozen=True)
class LimeResult:
    """One network: how many segments are marked, the seeds, and a face of each expression."""

    marked: int
    seeds: list[int]
    faces: dict[str, FaceExplained]
    mean: Mean


def headline(results: Mapping[ModelName, LimeResult]) -> dict[str, float]:
    """How far the linear models can be believed, by which experiments are compared."""
    return {
        f"{model}_{name}": value
        for name in ("r2", "overlap")
        for model, found in results.items()
        if (value := getattr(found.mean, name)) is not None
    }


def read() -> dict[ModelName, LimeResult]:
    """The results that the stage wrote."""
    return read_json(dict[ModelName, LimeResult], layout.folder("lime") / "lime.json")
