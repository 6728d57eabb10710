"""Drawing faces: a lit relief of a head, features painted on it, and a camera.

`draw_faces` invents people; `paint` draws given ones, without chance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.faces.expressions import SIDE
from pipeline.sample.drawing import features, head
from pipeline.sample.drawing.actions import Actions, IntArray
from pipeline.sample.drawing.layers import Layer, View, cover, inside
from pipeline.sample.drawing.people import FloatArray, People

BATCH = 64
"""Faces painted at once: as many as a processor's cache holds."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Faces:
    """Drawn faces (N, 48, 48) and where their features are.

    That is, for "brows", "eyes" and "mouth" the pixels (N, 48, 48) that the feature touches, also
    where glasses or hair hide it.
    """

    pixels: npt.NDArray[np.uint8]
    regions: dict[str, BoolArray]


def draw_faces(
    expressions: IntArray, strengths: FloatArray, rng: np.random.Generator, noise: float = 0.0
) -> Faces:
    """Draw one face of a new person for each label (N,), whose strength (N,) is 0 to 1.

    Each picture has noise of its own standard deviation, in grey levels at most `noise`.
    """
    count = len(expressions)
    people = People.random(count, rng)
    actions = Actions.random(expressions, strengths, rng)
    deviations = rng.uniform(0, noise, (count, 1, 1)).astype(np.float32)
    parts = []
    for start in range(0, count, BATCH):
        rows = slice(start, start + BATCH)
        size = (len(deviations[rows]), SIDE, SIDE)
        grain = rng.standard_normal(size, np.float32) * deviations[rows]
        parts.append(paint(people.rows(rows), actions.rows(rows), grain))
    return _joined(parts)


def paint(person: People, action: Actions, grain: FloatArray | float = 0.0) -> Faces:
    """Draw given people doing given things, with noise in grey levels, (N, 48, 48)."""
    view = head.pose(person, action)
    canvas = _backdrop(view, person)
    cover(canvas, head.hair_behind(view, person))
    cover(canvas, head.skin(view, person))
    cover(canvas, features.nose(view, person, action))
    painted = {
        "eyes": features.eyes(view, person, action),
        "brows": features.brows(view, person, action),
        "mouth": features.mouth(view, person, action),
    }
    for layers in painted.values():
        cover(canvas, layers)
    cover(canvas, head.hair_in_front(view, person))
    cover(canvas, features.glasses(view, person))
    pixels = np.clip(np.rint(_camera(canvas, person) + grain), 0, 255).astype(np.uint8)
    return Faces(pixels, {name: _touched(painted[name]) for name in sorted(painted)})


def _backdrop(view: View, person: People) -> FloatArray:
    """A wall that is brighter on one side, and clothes."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32) / (SIDE / 2) - 1
    wall = person.background + person.backdrop_x * right + person.backdrop_y * down
    canvas: FloatArray = np.clip(wall, 0, 1)
    cover(canvas, [Layer(person.clothes, inside(20 - view.y + 0.02 * view.x**2))])
    return canvas


def _touched(layers: list[Layer]) -> BoolArray:
    """Pixels that any layer covers and, because the camera blurs, their neighbours."""
    region = np.any([coverage > 0 for _, coverage in layers], axis=0)
    region = np.pad(region, ((0, 0), (1, 1), (1, 1)))
    region = region[:, :-2] | region[:, 1:-1] | region[:, 2:]
    grown: BoolArray = region[:, :, :-2] | region[:, :, 1:-1] | region[:, :, 2:]
    return grown


def _camera(canvas: FloatArray, person: People) -> FloatArray:
    """Focus, exposure and contrast: from 0 .. 1 to grey levels, not yet rounded."""
    padded = np.pad(canvas, ((0, 0), (1, 1), (1, 1)), mode="edge")
    soft = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    soft = (soft[:, :, :-2] + 2 * soft[:, :, 1:-1] + soft[:, :, 2:]) / 4
    focused: FloatArray = canvas + person.blur * (soft - canvas)
    return 255 * (0.5 + person.contrast * (person.exposure * focused - 0.5))


def _joined(parts: list[Faces]) -> Faces:
    pixels = np.concatenate([part.pixels for part in parts])
    names = parts[0].regions
    return Faces(pixels, {name: np.concatenate([p.regions[name] for p in parts]) for name in names})
