"""Which muscles of a face move in each expression, and how strongly."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.faces.expressions import EXPRESSIONS
from pipeline.sample.drawing.people import FloatArray, Rows, column

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Actions(Rows):
    """Strengths of facial actions, 0 (at rest) to about 1.

    The units of the Facial Action Coding System (Ekman and Friesen 1978), with their numbers.
    """

    inner_brow_raiser: FloatArray  # 1
    outer_brow_raiser: FloatArray  # 2
    brow_lowerer: FloatArray  # 4
    upper_lid_raiser: FloatArray  # 5
    cheek_raiser: FloatArray  # 6
    lid_tightener: FloatArray  # 7
    nose_wrinkler: FloatArray  # 9
    upper_lip_raiser: FloatArray  # 10
    lip_corner_puller: FloatArray  # 12
    lip_corner_depressor: FloatArray  # 15
    lip_stretcher: FloatArray  # 20
    lip_tightener: FloatArray  # 23
    lips_part: FloatArray  # 25
    jaw_drop: FloatArray  # 26
    lids_droop: FloatArray  # 43

    @classmethod
    def random(cls, expressions: IntArray, strengths: FloatArray, rng: np.random.Generator) -> Self:
        """What each face does, given its expression (N,) and how strongly it shows (N,)."""
        low, high = _RANGES[expressions].transpose(2, 0, 1)
        shown = np.maximum(rng.uniform(low, high), 0) * np.asarray(strengths)[:, None]
        restless = np.abs(rng.normal(0, RESTLESSNESS, shown.shape))
        return cls(*(column(values) for values in (shown + restless).T))


RESTLESSNESS = 0.09
"""Standard deviation of what a face does beside its expression."""

PROTOTYPES: dict[str, dict[str, tuple[float, float]]] = {
    "angry": {
        "brow_lowerer": (0.7, 1.1),
        "upper_lid_raiser": (0.0, 0.4),
        "lid_tightener": (0.3, 0.9),
        "lip_tightener": (0.3, 1.0),
        "lip_corner_depressor": (0.0, 0.4),
        "lips_part": (-0.4, 0.6),
    },
    "disgust": {
        "brow_lowerer": (0.2, 0.7),
        "lid_tightener": (0.5, 1.0),
        "nose_wrinkler": (0.6, 1.1),
        "upper_lip_raiser": (0.7, 1.1),
        "lip_corner_depressor": (0.1, 0.6),
        "lips_part": (-0.2, 0.4),
    },
    "fear": {
        "inner_brow_raiser": (0.7, 1.1),
        "outer_brow_raiser": (0.1, 0.6),
        "brow_lowerer": (0.2, 0.6),
        "upper_lid_raiser": (0.5, 1.0),
        "lip_stretcher": (0.5, 1.1),
        "lips_part": (0.3, 0.9),
        "jaw_drop": (0.0, 0.6),
    },
    "happy": {
        "cheek_raiser": (0.4, 1.0),
        "lip_corner_puller": (0.6, 1.1),
        "lips_part": (-0.4, 1.0),
        "jaw_drop": (-0.5, 0.3),
    },
    "sad": {
        "inner_brow_raiser": (0.6, 1.2),
        "brow_lowerer": (0.1, 0.4),
        "lip_corner_depressor": (0.5, 1.1),
        "lids_droop": (0.0, 0.5),
    },
    "surprise": {
        "inner_brow_raiser": (0.6, 1.1),
        "outer_brow_raiser": (0.6, 1.1),
        "upper_lid_raiser": (0.5, 1.0),
        "lips_part": (0.1, 0.5),
        "jaw_drop": (0.5, 1.2),
    },
    "neutral": {},
}
"""Lowest and highest strength of each action in a full expression; a low end below zero means that
some people do without. After Ekman, Friesen and Hager's table (FACS manual, 2002)."""

_RANGES = np.array(
    [
        [PROTOTYPES[name].get(action.name, (0.0, 0.0)) for action in fields(Actions)]
        for name in EXPRESSIONS
    ]
)
