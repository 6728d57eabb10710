"""What each expression looks like to the networks: images from noise, one an expression."""

from pipeline import layout
from pipeline.class_images.class_images import imagine_classes
from pipeline.class_images.params import ClassImages as ClassImagesParams
from pipeline.class_images.result import ClassImage, ClassImages
from pipeline.explaining.subject import Subject, explain_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.face_grid import draw_tiles
from pipeline.files import write_json
from pipeline.shell import Stage


def work(stage: Stage) -> None:
    """From both networks to seven images each."""
    write_json(layout.folder(stage.name) / "class_images.json", explain_each(stage, explain))


def explain(subject: Subject) -> ClassImages:
    """Draw the images of one model, and say what it makes of them."""
    settings = subject.params.section(ClassImagesParams)
    found = imagine_classes(subject.model, settings)
    images = [
        ClassImage(
            cross_entropy_before=float(found.before[k]),
            cross_entropy_after=float(found.after[k]),
            probability=float(probabilities[k]),
            named=EXPRESSIONS[int(probabilities.argmax())],
        )
        for k, probabilities in enumerate(found.probabilities)
    ]
    classes = dict(zip(EXPRESSIONS, images, strict=True))
    names = [f"{name}: {image.probability:.0%}" for name, image in classes.items()]
    title = f"What the {subject.name} takes for each expression, {settings.steps} steps from noise"
    subject.save({"classes": draw_tiles(found.images, names, title, columns=4)})
    return ClassImages(sum(image.named == name for name, image in classes.items()), classes)
