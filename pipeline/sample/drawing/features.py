"""Brows, eyes, nose, mouth and glasses as layers of paint on a face.

Each function gives its layers from back to front.
"""

import numpy as np

from pipeline.sample.drawing.actions import Actions
from pipeline.sample.drawing.layers import Layer, View, inside, spot, stroke
from pipeline.sample.drawing.people import People


def brows(view: View, person: People, action: Actions) -> list[Layer]:
    """Two tapering bows of hair, and the furrow between them when they are drawn together."""
    inner = person.eye_x - 5.0 - 1.3 * action.brow_lowerer
    length = 2 * person.eye_width + 2.2
    along = np.clip((view.across - inner) / length, 0, 1)
    rise = (
        (3.2 * action.inner_brow_raiser - 3.0 * action.brow_lowerer) * (1 - along) ** 2
        + (2.6 * action.outer_brow_raiser + 1.2 * action.inner_brow_raiser) * along
        - 0.9 * action.brow_lowerer
        - 0.7 * action.nose_wrinkler
        + person.brow_tilt * (along - 0.5) * 2
        + person.brow_arch * 4 * along * (1 - along)
        + person.skew * 0.6 * np.sign(view.u)
    )
    middle = person.eye_y - person.brow_y + 1.0 - rise
    thick = person.brow_thickness * (1.15 - 0.7 * along)
    ends = np.abs(view.across - inner - length / 2) - length / 2
    bow = inside(np.maximum(np.abs(view.v - middle) - thick, ends))
    furrow = stroke(view.across - 1.6, 1.1) * inside(np.abs(view.v - middle - 1) - 2.2)
    return [
        Layer(0.55 * view.shade, 0.8 * np.clip(action.brow_lowerer, 0, 1) * furrow),
        Layer(person.brow_grey * person.skin * view.shade, 0.92 * bow),
    ]


def eyes(view: View, person: People, action: Actions) -> list[Layer]:
    """White, iris, pupil and glint between two lids, with lashes and creases."""
    x = view.across - person.eye_x
    y = view.v - person.eye_y + person.eye_slant * x
    squint = action.cheek_raiser + action.lid_tightener
    upper = 1.75 + person.eye_open + 1.5 * action.upper_lid_raiser
    upper = np.maximum(
        upper - 0.65 * squint - 0.3 * action.nose_wrinkler - 1.4 * action.lids_droop, 0.3
    )
    lower = 1.15 + 0.5 * action.upper_lid_raiser - 0.75 * squint - 0.2 * action.nose_wrinkler
    lower = np.maximum(lower, 0.1)
    bow = 1 - (x / person.eye_width) ** 2
    top, bottom = -upper * bow, lower * bow
    opening = inside(np.maximum(top - y, y - bottom))
    near = inside(np.abs(x) - person.eye_width)
    glance = x - person.gaze * np.sign(view.u)
    radius = np.sqrt(glance**2 + (y + 0.2) ** 2)
    glint = spot((view.u - np.sign(view.u) * person.eye_x - person.gaze - 0.7) / 1.2, (y + 1) / 1.2)
    white = (0.45 + 0.45 * person.skin) * view.shade
    return [
        Layer(0.62 * person.skin * view.shade, 0.55 * near * stroke(y - top + 1.5, 0.9)),
        Layer(0.5 * person.skin * view.shade, 0.7 * near * stroke(y - bottom - 0.7, 1.0)),
        Layer(white, opening),
        Layer(person.iris * view.shade, opening * inside(radius - 1.8)),
        Layer(0.0, opening * inside(radius - 0.8)),
        Layer(0.95, 0.8 * opening * glint),
        Layer(0.05, 0.85 * near * stroke(y - top + 0.1, 1.0)),
    ]


def nose(view: View, person: People, action: Actions) -> list[Layer]:
    """Nostrils, the folds beside nose and mouth, and wrinkles on the bridge.

    The nose itself is relief, so that the light falls on it (`pipeline.sample.drawing.head`).
    """
    tip = person.nose_y - 1.2 * action.nose_wrinkler
    skin = person.skin * view.shade
    nostril = spot((view.across - 0.62 * person.nose_width) / 1.5, (view.v - tip - 1.5) / 1.2)
    wing = spot((view.across - person.nose_width - 0.3) / 1.1, (view.v - tip - 0.3) / 2.2)
    lift = np.maximum(action.lip_corner_puller, action.nose_wrinkler)
    fold = person.nose_width + 1.0 + (0.62 + 0.2 * action.lip_corner_puller) * (view.v - tip)
    reach = spot(0.0, (view.v - tip - 3.5) / 5.5)
    deep = np.clip(0.16 * person.age + 0.45 * lift + 0.3 * action.upper_lip_raiser, 0, 0.85)
    ripples = 0.5 + 0.5 * np.cos(2.4 * (view.v - person.eye_y))
    bridge = spot(view.u / 3.6, (view.v - person.eye_y - 1.0) / 4.5)
    return [
        Layer(0.3 * skin, 0.8 * nostril),
        Layer(0.55 * skin, 0.5 * wing),
        Layer(0.5 * skin, deep * reach * stroke(view.across - fold, 1.5)),
        Layer(0.45 * skin, 0.9 * np.clip(action.nose_wrinkler, 0, 1) * bridge * ripples),
    ]


def mouth(view: View, person: People, action: Actions) -> list[Layer]:
    """Two lips around an opening with teeth; closed lips meet in a dark line."""
    smile, gape = np.clip(action.lip_corner_puller, 0, 1), np.clip(action.jaw_drop, 0, 1)
    half = person.mouth_width * (
        1
        + 0.32 * action.lip_corner_puller
        + 0.26 * action.lip_stretcher
        - 0.08 * action.lip_tightener
        - 0.42 * gape * (1 - smile)
    )
    x = view.u / half
    # A stretched or gaping mouth opens like a box, any other like a lens.
    box = np.clip(action.lip_stretcher + action.jaw_drop, 0, 1)
    bow = (1 - x * x) * (1 + box * np.clip(x * x, 0, 1))
    pull = (
        person.mouth_curve
        + 2.9 * action.lip_corner_puller
        - 2.9 * action.lip_corner_depressor
        - 0.9 * action.lip_stretcher
    )
    y = view.v - person.mouth_y + pull * (x * x - 0.35) + 0.12 * person.skew * view.u

    raised = 1.5 * action.upper_lip_raiser + 0.6 * action.nose_wrinkler
    up = (0.7 * action.lips_part + 1.35 * action.jaw_drop + 0.55 * raised) * bow
    down = (2.0 * action.lips_part + 4.3 * action.jaw_drop) * bow
    thick = person.lips * (1 - 0.6 * np.clip(action.lip_tightener, 0, 1))
    upper = (thick * (1 - 0.25 * stroke(view.u, 2.0)) + 0.6 * raised) * bow
    lips = inside(np.maximum(-y - up - upper, y - down - 1.25 * thick * bow))
    opening = inside(np.maximum(-y - up, y - down) + 0.35)
    closed = 1 - np.clip((up + down) / 1.5, 0, 1)
    seam = inside((np.abs(x) - 1) * half) * stroke(y + (up - down) / 2, 1.0)
    bared = np.minimum(1.8, 0.75 * (up + down)) - 2.6 * action.jaw_drop
    teeth = opening * inside(y + up - bared)
    under = spot(x / 0.8, (y - down - 1.25 * thick - 1.2) / 1.6)
    gleam = spot(x / 0.5, y - down - 0.6 * thick)
    skin = person.skin * view.shade
    return [
        Layer(0.66 * skin, 0.6 * under),
        Layer(person.lip_grey * skin, 0.9 * lips),
        Layer(np.minimum(1.2 * skin, 1), 0.3 * gleam * lips),
        Layer(0.08, opening),
        Layer(0.55 + 0.4 * view.shade, 0.95 * teeth),
        Layer(0.22 * skin, 0.85 * seam * closed),
    ]


def glasses(view: View, person: People) -> list[Layer]:
    """Two rounded frames with a bridge, and lenses that darken or gleam."""
    x, y = view.across - person.eye_x, view.v - person.eye_y - 0.8
    edge = np.sqrt(np.sqrt((x / 5.9) ** 4 + (y / 4.4) ** 4))
    rim = stroke((edge - 1) * 5.3, 0.7 + person.frame)
    bridge = inside(view.across - person.eye_x + 5.8) * stroke(y + 1.5, 0.6 + person.frame)
    lens = inside((edge - 1) * 5.0)
    worn = person.glasses
    return [
        Layer(0.05, worn * np.maximum(-person.lens, 0) * lens),
        Layer(0.9, worn * np.maximum(person.lens, 0) * lens),
        Layer(0.12, worn * np.clip(1.3 * np.maximum(rim, bridge), 0, 1)),
    ]
