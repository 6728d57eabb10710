"""The section `saliency` of params.yaml, typed."""

from typing import Annotated

from pydantic import Field

from pipeline.params import Count, Faces, Section, Seed


class Saliency(Section):
    """How maps are made, and over how many faces they are measured."""

    samples: Count
    noise: Annotated[float, Field(gt=0, lt=1)]
    steps: Annotated[int, Field(ge=2, le=1000)]
    mask: Annotated[float, Field(gt=0, lt=1)]
    faces: Annotated[Faces, Field(ge=2)]  # maps are held against those of other faces
    random: Count
    seed: Seed
