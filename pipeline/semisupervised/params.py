"""The section `semisupervised` of params.yaml, typed."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params import Augmentation, Fit, Section, Share

AutoencoderName = Literal[
    "bottleneck-autoencoder", "slim-bottleneck-autoencoder", "wide-autoencoder"
]
"""Names in `pipeline.networks.autoencoder.AUTOENCODERS`."""


class LastEpoch(Fit):
    """A training that keeps its last epoch.

    Another one would be chosen by validation faces, whose labels may be more than a classifier
    with few labels has.
    """

    early_stopping: Annotated[int, Field(ge=0, le=0)]
    keep: Literal["last"]


class Consistency(Section):
    """A mean teacher: naming unlabelled faces alike however they are changed."""

    temperature: Annotated[float, Field(ge=0.05, le=1)]
    threshold: Annotated[float, Field(ge=0, lt=1)]
    rare: Share


class SemiSupervised(Section):
    """What unlabelled faces are worth: labels removed, three classifiers, trained alike."""

    labelled_fraction: Annotated[float, Field(gt=0, lt=1)]
    labelled_rows: Literal["random", "last"]
    seeds: Annotated[int, Field(ge=1, le=100)]
    unlabelled_file: bool
    network: AutoencoderName
    code: Annotated[int, Field(ge=1, le=16_384)]
    noise: Annotated[float, Field(ge=0, lt=1)]
    mask_ratio: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    strong_augmentation: Augmentation
    strong_weight: Annotated[float, Field(ge=0, le=1000)]
    labelled_share: Annotated[float, Field(gt=0, le=1)]
    autoencoder: LastEpoch
    classifier: LastEpoch
    consistency: Consistency
