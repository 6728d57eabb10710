"""The head: where it is turned, how light falls on it, its skin and its hair."""

import numpy as np

from pipeline.faces.expressions import SIDE
from pipeline.sample.drawing.actions import Actions
from pipeline.sample.drawing.layers import Layer, View, inside, spot
from pipeline.sample.drawing.people import FloatArray, People


def pose(person: People, action: Actions) -> View:
    """Where each pixel of the picture lies on the face, and how much light it gets."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32) - (SIDE - 1) / 2
    right, down = columns - person.shift_x, rows - person.shift_y
    cos, sin = np.cos(person.roll) / person.size, np.sin(person.roll) / person.size
    x, y = cos * right + sin * down, cos * down - sin * right
    # Turning a ball moves its middle most and its rim not at all.
    middle = np.maximum(1 - (x * x + y * y) / 26**2, 0)
    u, v = x - 5.0 * person.yaw * middle, y - 3.0 * person.pitch * middle
    edge = _outline(x, y, person, action)
    return View(x, y, u, v, np.abs(u), edge, _shade(u, v, edge, person, action))


def skin(view: View, person: People) -> list[Layer]:
    """Neck, ears, face and beard."""
    lit = person.skin * view.shade
    neck = inside(np.abs(view.x) - 0.62 * person.width) * inside(12 - view.y)
    ear = spot((np.abs(view.x) - person.width) / 3.2, (view.y - 0.5) / 5.5)
    ears = np.clip(2 * ear, 0, 1) * person.ears * (1 - person.long_hair)
    face = inside((view.edge - 1) * 17)
    jaw = np.clip((view.v - 11.5 + 0.045 * view.across**2) / 5, 0, 1)
    upper_lip = np.clip(2 * spot(view.u / 7, (view.v - 9.8 - 0.03 * view.u**2) / 2.4), 0, 1)
    growth = np.maximum(person.beard * jaw, person.moustache * upper_lip)
    return [
        Layer(0.55 * person.skin, neck),
        Layer(0.75 * lit, ears),
        Layer(lit, face),
        Layer(_strands(view, person), growth * face),
    ]


def hair_behind(view: View, person: People) -> list[Layer]:
    """The hair that shows beside the neck."""
    below = _cap(view, person) * inside(view.y - 4)
    falling = np.maximum(np.abs(view.x) - person.width - person.hair_volume, -3 - view.y)
    cover = np.maximum(below, person.long_hair * inside(falling))
    return [Layer(_strands(view, person), (1 - person.bald) * cover)]


def hair_in_front(view: View, person: People) -> list[Layer]:
    """The hair over the forehead and, if it is long, beside the face."""
    line = person.hairline + person.parting * view.x + 0.018 * view.x**2
    fringe = inside((view.y - line) / 1.4)
    sides = inside(0.93 * person.width - np.abs(view.x)) * inside(-4 - view.y)
    cover = _cap(view, person) * np.maximum(fringe, person.long_hair * sides)
    return [Layer(_strands(view, person), (1 - person.bald) * cover)]


def _cap(view: View, person: People) -> FloatArray:
    """Coverage of the head with all its hair, whatever lies before it."""
    wide = person.width + person.hair_volume
    tall = person.height + person.hair_volume - 2
    return inside((np.sqrt((view.x / wide) ** 2 + ((view.y + 2) / tall) ** 2) - 1) * 18)


def _strands(view: View, person: People) -> FloatArray:
    bend = view.x + 0.03 * view.x * view.y
    wave = np.sin(0.9 * bend + person.strands) + np.sin(1.7 * bend - 0.3 * view.y)
    gloss = spot(view.x / 14, (view.y + 17) / 7)
    grey: FloatArray = person.hair * person.skin * (0.6 + 0.4 * view.shade)
    grey *= 1 + 0.07 * wave + 0.3 * gloss
    return grey


def _outline(x: FloatArray, y: FloatArray, person: People, action: Actions) -> FloatArray:
    chin = 1 + 0.1 * np.clip(action.jaw_drop, 0, 1)
    tall = person.height * np.where(y > 0, chin, 1)
    wide = person.width * (1 - person.taper * np.clip(y / person.height, 0, 1) ** 2)
    edge: FloatArray = np.sqrt((x / wide) ** 2 + (y / tall) ** 2)
    return edge


def _shade(
    u: FloatArray, v: FloatArray, edge: FloatArray, person: People, action: Actions
) -> FloatArray:
    """Lambert shading of a relief: skull, nose, eye sockets, cheeks, mouth and chin."""
    across = np.abs(u)
    height = 13 * np.sqrt(np.maximum(1.06 - edge**2, 0.01))
    ridge = spot(u / (person.nose_width + 1.2), (v - person.nose_y + 5) / 9)
    height += person.nose_height * (ridge + 0.5 * spot(u / 3.4, (v - person.nose_y) / 3.2))
    height -= 2.6 * spot((across - person.eye_x + 1) / 6.5, (v - person.eye_y) / 4.2)
    cheek = 1.0 + 1.6 * np.clip(action.cheek_raiser, 0, 1)
    height += cheek * spot((across - 10) / 6, (v - 4) / 6)
    height += 1.6 * spot(u / 9, (v - 13) / 6) + 1.4 * spot(u / 6, (v - 20) / 4)
    down, right = np.gradient(height, axis=(1, 2))
    facing: FloatArray = 1 - person.light_x * right - person.light_y * down
    facing /= np.sqrt((1 + right**2 + down**2) * (1 + person.light_x**2 + person.light_y**2))
    lit: FloatArray = np.maximum(facing, 0) ** 0.8
    return person.ambient + 1.08 * (1 - person.ambient) * lit
