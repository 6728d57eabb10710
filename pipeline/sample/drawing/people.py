"""Who stands before the camera, how, and in which light: random traits.

Lengths are in pixels of a face that fills its picture, counted from the middle of the face; greys
run from 0 (black) to 1 (white).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Self, get_type_hints

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[Any]
"""float32; numpy's stubs lose that as soon as a Python number comes in."""

Draw = Callable[[np.random.Generator, int], npt.NDArray[Any]]


def column(values: npt.ArrayLike) -> FloatArray:
    """One number a face, shaped (N, 1, 1) so that it broadcasts over that face's pixels."""
    return np.asarray(values, np.float32).reshape(-1, 1, 1)


def uniform(low: float, high: float) -> Draw:
    """A trait that is spread evenly between two ends."""
    return lambda rng, count: rng.uniform(low, high, count)


def normal(deviation: float, limit: float) -> Draw:
    """A trait around zero, cut at ±`limit`."""
    return lambda rng, count: np.clip(rng.normal(0, deviation, count), -limit, limit)


def chance(share: float, low: float = 1.0, high: float = 1.0) -> Draw:
    """A trait that only a share of the people have (0 for the others)."""
    return lambda rng, count: (rng.random(count) < share) * rng.uniform(low, high, count)


@dataclass(frozen=True)
class Rows:
    """A table of (N, 1, 1) columns, one row a face."""

    def rows(self, which: slice) -> Self:
        """The same table for some of the faces."""
        return replace(self, **{f.name: getattr(self, f.name)[which] for f in fields(self)})


@dataclass(frozen=True)
class People(Rows):
    """Everything about a photograph that is not the expression: a column a trait.

    Each trait's type says how it is drawn; traits do not depend on one another.
    """

    # Pose: what a network that knows no neighbourhoods finds hard.
    shift_x: Annotated[FloatArray, normal(0.9, 2.4)]
    shift_y: Annotated[FloatArray, normal(0.9, 2.4)]
    size: Annotated[FloatArray, uniform(0.98, 1.18)]
    roll: Annotated[FloatArray, normal(0.075, 0.25)]
    yaw: Annotated[FloatArray, normal(0.33, 0.9)]
    pitch: Annotated[FloatArray, normal(0.28, 0.7)]

    # Head and hair.
    width: Annotated[FloatArray, uniform(16.0, 19.0)]
    height: Annotated[FloatArray, uniform(21.5, 24.0)]
    taper: Annotated[FloatArray, uniform(0.10, 0.36)]
    skin: Annotated[FloatArray, uniform(0.42, 0.88)]
    age: Annotated[FloatArray, uniform(0.0, 1.0)]
    ears: Annotated[FloatArray, chance(0.7)]
    bald: Annotated[FloatArray, chance(0.1)]
    long_hair: Annotated[FloatArray, chance(0.4)]
    hair: Annotated[FloatArray, uniform(0.08, 0.75)]
    hairline: Annotated[FloatArray, uniform(-18.5, -13.5)]
    hair_volume: Annotated[FloatArray, uniform(1.0, 4.5)]
    parting: Annotated[FloatArray, normal(0.16, 0.35)]
    strands: Annotated[FloatArray, uniform(0.0, 6.3)]
    beard: Annotated[FloatArray, chance(0.16, 0.25, 0.75)]
    moustache: Annotated[FloatArray, chance(0.12, 0.4, 0.8)]

    # Features at rest.
    eye_x: Annotated[FloatArray, uniform(7.2, 8.8)]
    eye_y: Annotated[FloatArray, uniform(-5.2, -3.4)]
    eye_width: Annotated[FloatArray, uniform(3.3, 4.3)]
    eye_open: Annotated[FloatArray, uniform(-0.35, 0.35)]
    eye_slant: Annotated[FloatArray, normal(0.07, 0.15)]
    iris: Annotated[FloatArray, uniform(0.10, 0.42)]
    gaze: Annotated[FloatArray, normal(0.4, 1.2)]
    brow_y: Annotated[FloatArray, uniform(5.2, 6.9)]
    brow_thickness: Annotated[FloatArray, uniform(0.7, 1.5)]
    brow_arch: Annotated[FloatArray, uniform(0.0, 1.2)]
    brow_tilt: Annotated[FloatArray, uniform(-0.65, 0.45)]
    brow_grey: Annotated[FloatArray, uniform(0.15, 0.55)]
    nose_y: Annotated[FloatArray, uniform(4.6, 6.6)]
    nose_width: Annotated[FloatArray, uniform(2.4, 3.8)]
    nose_height: Annotated[FloatArray, uniform(2.6, 4.4)]
    mouth_y: Annotated[FloatArray, uniform(11.8, 13.8)]
    mouth_width: Annotated[FloatArray, uniform(5.2, 7.0)]
    mouth_curve: Annotated[FloatArray, uniform(-0.35, 0.75)]
    lips: Annotated[FloatArray, uniform(0.8, 1.7)]
    lip_grey: Annotated[FloatArray, uniform(0.5, 0.8)]
    skew: Annotated[FloatArray, normal(0.35, 0.8)]
    glasses: Annotated[FloatArray, chance(0.15)]
    frame: Annotated[FloatArray, uniform(0.08, 0.45)]
    lens: Annotated[FloatArray, uniform(-0.2, 0.15)]

    # Light and camera.
    light_x: Annotated[FloatArray, normal(0.45, 0.9)]
    light_y: Annotated[FloatArray, uniform(-0.8, 0.15)]
    ambient: Annotated[FloatArray, uniform(0.35, 0.7)]
    background: Annotated[FloatArray, uniform(0.05, 0.85)]
    backdrop_x: Annotated[FloatArray, uniform(-0.25, 0.25)]
    backdrop_y: Annotated[FloatArray, uniform(-0.25, 0.25)]
    clothes: Annotated[FloatArray, uniform(0.08, 0.8)]
    exposure: Annotated[FloatArray, uniform(0.85, 1.12)]
    contrast: Annotated[FloatArray, uniform(0.8, 1.2)]
    blur: Annotated[FloatArray, uniform(0.1, 0.9)]

    @classmethod
    def random(cls, count: int, rng: np.random.Generator) -> Self:
        """So many different people."""
        traits = get_type_hints(cls, include_extras=True)
        drawn = {name: trait.__metadata__[0](rng, count) for name, trait in traits.items()}
        return cls(**{name: column(values) for name, values in drawn.items()})
