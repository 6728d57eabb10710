"""The section `class_images` of params.yaml, typed."""

from pipeline.params import Ascent


class ClassImages(Ascent):
    """Images from noise that a network takes for each expression."""
