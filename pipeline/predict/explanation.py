"""A photo with a box, the answer and the saliency of each face."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.detection.pictures import Picture
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.networks.classifier import Classifier
from pipeline.predict.recogniser import Answer
from pipeline.saliency.params import Saliency

LONGEST = 200
"""Bytes of a path in a name: a file system takes 255, and more is put around it."""

_EDGE, PAPER, _INK, _HEAT = (47, 127, 214), (253, 252, 249), (31, 36, 48), (255, 191, 0)


def map_faces(
    answers: Sequence[Answer], classifier: Classifier, settings: Saliency
) -> NDArray[np.float32]:
    """SmoothGrad maps of the likeliest expression of each face, (n, 48, 48), n >= 1, 0 to 1."""
    from pipeline.saliency.figures import scale  # captum and matplotlib take seconds
    from pipeline.saliency.saliency import make_maps

    faces = np.stack([answer.face for answer in answers])
    targets = np.array([EXPRESSIONS.index(answer.likeliest[0]) for answer in answers])
    return scale(np.abs(make_maps(classifier, faces, targets, "smoothgrad", settings)))


def draw(picture: Picture, answers: Sequence[Answer], maps: NDArray[np.float32]) -> Image.Image:
    """The picture with boxes and answers, and over each face its map, (n, 48, 48), 0 to 1."""
    image = Image.fromarray(picture)
    for answer, heat in zip(answers, maps, strict=True):
        side = max(1, round(answer.box.side))
        glow = tint(heat).resize((side, side))
        image.paste(glow, (round(answer.box.left), round(answer.box.top)), glow)
    pen, width = ImageDraw.Draw(image), max(2, max(image.size) // 400)
    font = ImageFont.load_default(max(12, max(image.size) // 45))
    for answer in answers:
        left, top, side = (round(value) for value in answer.box)
        pen.rectangle((left, top, left + side, top + side), outline=_EDGE, width=width)
        first, second = answer.likeliest
        sure = f"{first} {answer.probability(first):.0%}"
        text = sure if answer.is_sure else f"not sure: {first} or {second}"
        wide, high = (round(end) for end in pen.textbbox((0, 0), text, font)[2:])
        place = (
            max(0, min(left, image.width - wide)),
            min(top + side + width, image.height - high - width),
        )
        pen.rectangle(pen.textbbox(place, text, font), fill=PAPER, outline=PAPER, width=2 * width)
        pen.text(place, text, _INK, font)
    return image


def tint(heat: NDArray[np.float32]) -> Image.Image:
    """A map (48, 48), 0 to 1, as something to lay over its face: the more salient, the less shows.

    Squared, so that the haze of slightly salient pixels does not veil the face.
    """
    image = Image.new("RGBA", heat.shape[::-1], _HEAT)
    image.putalpha(Image.fromarray((255 * heat**2).astype(np.uint8)))
    return image


def file_name(name: str, second: float | None) -> str:
    """What a picture's explanation is called: one name for each picture of each file."""
    path = Path(name)
    label = "-".join(part.strip("/\\") for part in path.parts if part not in ("..", "/"))
    encoded = os.fsencode(label)
    if label != str(path) or len(encoded) > LONGEST:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        label = f"{encoded[:LONGEST].decode(errors='ignore')}-{digest}"
    return label + ("" if second is None else f"-{second:09.3f}s") + ".png"
