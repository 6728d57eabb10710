"""What came of the images, in words."""

from statistics import mean

from pipeline.class_images.result import ClassImagesResult
from pipeline.wording.numbers import percent


def won(model: str, found: ClassImagesResult) -> str:
    """For how many expressions an image could be made that the network takes for it."""
    lost = [
        f"{name} ({image.probability:.0%}; its answer is {image.named})"
        for name, image in found.classes.items()
        if image.named != name
    ]
    total = len(found.classes)
    if not lost:
        least = min(image.probability for image in found.classes.values())
        return (
            f"The {model} takes all {total} of its images for what they were made for, with a "
            f"probability of at least {percent(least)}."
        )
    return (
        f"The {model} takes {found.won} of its {total} images for what they were made for; not "
        f"{', '.join(lost)}."
    )


def fell(found: ClassImagesResult) -> str:
    """How far the cross-entropy was brought down."""
    before = mean(image.cross_entropy_before for image in found.classes.values())
    after = mean(image.cross_entropy_after for image in found.classes.values())
    return f"Its mean cross-entropy goes from {before:.2f} to {after:.2f} nats."
