"""What the stage `class_images` finds of each network, as `class_images.json` holds it."""

from dataclasses import dataclass

from pipeline import layout
from pipeline.files import read_json
from pipeline.params import ModelName


@dataclass(frozen=True)
class ClassImage:
    """An image for one expression.

    Attributes:
        cross_entropy_before: of the noise that it starts from, nats.
        cross_entropy_after: of the image.
        probability: of the expression it was made for.
        named: the expression that the network takes it for.
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
