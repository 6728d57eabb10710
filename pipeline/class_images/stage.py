"""What each expression looks like to the networks: images from noise, one an expression."""

from pipeline.class_images.class_images import imagine_classes
from pipeline.class_images.params import ClassImages
from pipeline.class_images.result import ClassImagesResult
from pipeline.explaining.subject import Subject, explain_each
from pipeline.figures.face_grid import draw_tiles
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From both networks to seven images each."""
    explain_each(stage, explain)


def explain(subject: Subject) -> ClassImagesResult:
    """Draw the images of one model, and say what it makes of them."""
    settings = subject.params.section(ClassImages)
    images, found = imagine_classes(subject.model, settings)
    names = [f"{name}: {image.probability:.0%}" for name, image in found.classes.items()]
    title = f"What the {subject.name} takes for each expression, {settings.steps} steps from noise"
    subject.save({"classes": draw_tiles(images, names, title, columns=4)})
    return found
