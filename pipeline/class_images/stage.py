"""What each expression looks like to the networks: images from noise, one an expression."""

from pipeline import layout, shell
from pipeline.class_images.class_images import imagine_classes
from pipeline.explaining.subject import Results, Subject, explain_each
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.figures.face_grid import draw_tiles
from pipeline.figures.style import save
from pipeline.files import write_json


def work(stage: shell.Stage) -> None:
    """From both networks to seven images each."""
    results = explain_each(stage, explain_classes)
    write_json(layout.folder(stage.name) / "class_images.json", results)
    stage.journal.metrics(
        {f"class_images.{model}_won": found["won"] for model, found in results.items()}
    )
    stage.journal.artifact(layout.folder(stage.name) / "class_images.json")


def explain_classes(subject: Subject) -> Results:
    """Draw the images of one model, and tell what it makes of them."""
    settings = subject.params.class_images
    found = imagine_classes(subject.model, settings)
    wanted = range(len(EXPRESSIONS))
    named = found.probabilities.argmax(axis=1)
    names = [f"{EXPRESSIONS[k]}: {found.probabilities[k, k]:.0%}" for k in wanted]
    title = f"What the {subject.name} takes for each expression, {settings.steps} steps from noise"
    save(draw_tiles(found.images, names, title, columns=4), subject.figures / "classes.svg")
    return {
        "won": int((named == list(wanted)).sum()),
        "classes": {
            EXPRESSIONS[k]: {
                "cross_entropy_before": float(found.before[k]),
                "cross_entropy_after": float(found.after[k]),
                "probability": float(found.probabilities[k, k]),
                "named": EXPRESSIONS[int(named[k])],
            }
            for k in wanted
        },
    }


def main() -> None:
    """Run the stage as a program."""
    shell.run(
        "class_images", work, heavy=True, own_params=lambda params: params.class_images.model_dump()
    )
