"""From a picture to the expressions of its faces, or to saying that one is not sure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.crops import crop_faces
from pipeline.detection.detector import Box, find_faces
from pipeline.detection.pictures import Picture, to_grey
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.classifier import Classifier
from pipeline.networks.inference import predict_probabilities
from pipeline.params import TTA
from pipeline.statistics.temperature import temper

NOT_SURE = "not sure"


@dataclass(frozen=True)
class Answer:
    """What is said of one face (48, 48), as the network sees it: probabilities (7,).

    It is sure where the likeliest expression is likely enough to be named.
    """

    box: Box
    face: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    is_sure: bool

    @property
    def likeliest(self) -> tuple[str, str]:
        """The two likeliest expressions, the likelier one first."""
        first, second = np.argsort(-self.probabilities, kind="stable")[:2]
        return EXPRESSIONS[first], EXPRESSIONS[second]

    @property
    def expression(self) -> str:
        """The expression, or that one is not sure."""
        return self.likeliest[0] if self.is_sure else NOT_SURE

    def probability(self, expression: str) -> float:
        """How probable an expression is."""
        return float(self.probabilities[EXPRESSIONS.index(expression)])

    def as_json(self) -> dict[str, Any]:
        """For other programs: box in whole pixels, answer, and all probabilities."""
        return {
            "box": {name: round(value) for name, value in self.box._asdict().items()},
            "expression": self.expression,
            "likeliest": list(self.likeliest),
            "probabilities": {
                name: round(float(value), 4)
                for name, value in zip(EXPRESSIONS, self.probabilities, strict=True)
            },
        }


@dataclass(frozen=True)
class Recogniser:
    """A trained model, in evaluation mode, with all that it needs to answer of a picture.

    `tta` is what of a face is shown to it; the temperature makes its probabilities mean what they
    say (1 leaves them); below `not_sure` no expression is named.
    """

    classifier: Classifier
    temperature: float
    not_sure: float
    tta: TTA

    def recognise(self, picture: Picture, *, is_face: bool = False) -> list[Answer]:
        """Answers for the faces of a picture (height, width, 3), the largest first.

        With `is_face` the picture is a cropped face, and none is looked for.
        """
        grey = to_grey(picture)
        height, width = grey.shape
        side = min(height, width)
        middle = [Box((width - side) / 2, (height - side) / 2, side)]
        boxes = middle if is_face else find_faces(grey)
        return self.answer(boxes, crop_faces(grey, boxes))

    def answer(self, boxes: list[Box], faces: NDArray[np.uint8]) -> list[Answer]:
        """Answers for faces that are cut out, (boxes, 48, 48)."""
        found = temper(predict_probabilities(self.classifier, faces, self.tta), self.temperature)
        return [
            Answer(box, face, probabilities, bool(probabilities.max() >= self.not_sure))
            for box, face, probabilities in zip(boxes, faces, found, strict=True)
        ]
