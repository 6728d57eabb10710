"""What the stage `class_images` finds of each network, as `class_images.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName


@dataclass(frozen=True)
class ClassImage:
    """An image for one expression, its probability, and the one that the network takes it for.

    Cross-entropies, in nats, are of the noise that it starts from and of the image.
    """

    cross_entropy_before: float
    cross_entropy_after: float
    probability: float
    named: str


@dataclass(frozen=True)
class ClassImagesResult:
    """One network's images: how many of them it takes for what they were made for, and each."""

    won: int
    classes: dict[str, ClassImage]


def read() -> dict[ModelName, ClassImagesResult]:
    """The results that the stage wrote."""
    return read_json(
        dict[ModelName, ClassImagesResult], layout.folder("class_images") / "class_images.json"
    )
