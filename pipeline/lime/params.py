"""The section `lime` of params.yaml, typed."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from pipeline.params import Count, Section, Seed


class Lime(Section):
    """Superpixels, and how often some of them are hidden."""

    segments: Annotated[int, Field(ge=4, le=500)]
    samples: Annotated[int, Field(ge=4, le=100_000)]
    marked: Count
    seed: Seed

    @field_validator("samples")
    @classmethod
    def _decide_every_weight(cls, samples: int, others: ValidationInfo) -> int:
        segments = others.data.get("segments")
        if segments is not None and samples < segments:
            raise ValueError(
                f"too few to decide a weight for each of lime.segments = {segments}; allowed from "
                f"{segments} on, and with five times as many two seeds mark mostly the same"
            )
        return samples
