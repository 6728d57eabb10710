"""The section `lime` of params.yaml, typed."""

from typing import Annotated

from pydantic import Field

from pipeline.params import Count, Section, Seed


class Lime(Section):
    """Superpixels, and how often some of them are hidden."""

    segments: Annotated[int, Field(ge=4, le=500)]
    samples: Annotated[int, Field(ge=10, le=100_000)]
    marked: Count
    seed: Seed
