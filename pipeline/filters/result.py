"""What the stage `filters` finds of each network, as `filters.json` holds it."""

from dataclasses import dataclass, field

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName


@dataclass(frozen=True)
class Excited:
    """Numbers of some filters, and their mean activation on the images before and after ascent."""

    filters: list[int]
    before: list[float]
    after: list[float]


@dataclass(frozen=True)
class Strongest:
    """The filters that a face excites most, and their mean outputs on it."""

    filters: list[int]
    on_face: list[float]


@dataclass(frozen=True)
class LayerSeen:
    """One layer's filters: excited from noise and from a face, and the most active ones."""

    noise: Excited
    face: Excited
    strongest: Strongest


@dataclass(frozen=True)
class ExcitedLayer(Excited):
    """Filters of a convolution, and its name."""

    layer: str


@dataclass(frozen=True)
class FiltersResult:
    """What one network's filters see, layer by layer; without layers, a note says why.

    `first` are all filters of the first convolution, `random` some of the last one.
    """

    layers: list[str]
    of: dict[str, LayerSeen] = field(default_factory=dict)
    first: ExcitedLayer | None = None
    random: ExcitedLayer | None = None
    note: str = ""


def read() -> dict[ModelName, FiltersResult]:
    """The results that the stage wrote."""
    return read_json(dict[ModelName, FiltersResult], layout.folder("filters") / "filters.json")
