"""Where the networks look: maps in several forms, and whether the bright pixels matter."""

import numpy as np
from numpy.typing import NDArray

from pipeline import layout
from pipeline.explaining.subject import Subject, explain_each, one_of_each
from pipeline.faces.regions import read_regions
from pipeline.files import write_json
from pipeline.params import ModelName
from pipeline.saliency import measure, pictures
from pipeline.saliency.params import Saliency as SaliencyParams
from pipeline.saliency.result import Saliency
from pipeline.shell import Stage

FORGETTING = 16
"""Faces whose maps are made anew for each layer that is randomised."""

SEVERAL = 8
"""Faces on the figure by the gradient of the loss."""


def work(stage: Stage) -> None:
    """From both networks to maps of faces, and what they are worth in numbers."""
    results = explain_each(stage, explain)
    write_json(layout.folder(stage.name) / "saliency.json", results)
    write_json(layout.metrics(stage.name), {"saliency": headline(results)})


def explain(subject: Subject) -> Saliency:
    """Draw the maps of one model and measure them, against features where these are known."""
    return explain_against(subject, known_features())


def explain_against(subject: Subject, features: NDArray[np.bool_] | None) -> Saliency:
    """The same with given features of the labelled faces, (faces, 48, 48)."""
    faces, settings = subject.faces, subject.params.section(SaliencyParams)
    order = np.random.default_rng(settings.seed).permutation(len(faces.labels))
    shown, measured = one_of_each(faces.labels, settings.seed), order[: settings.faces]
    maps = {method: measure.make_maps(subject, measured, method) for method in measure.METHODS}
    deletion = measure.delete(subject, measured, maps)
    subject.save(pictures.draw_one_of_each(subject, shown))
    subject.save(pictures.draw_by_loss(subject, order[:SEVERAL]))
    subject.save(pictures.draw_deleted(subject, deletion, len(measured)))
    return Saliency(
        faces_shown=faces.places[shown].tolist(),
        faces_measured=len(measured),
        deletion=deletion,
        randomisation=measure.randomise(subject, measured[:FORGETTING]),
        **(
            {}
            if features is None
            else measure.on_features(
                subject, measured, maps["smoothgrad"], features[faces.places[measured]]
            )
        ),
    )


def known_features() -> NDArray[np.bool_] | None:
    """Where brows, eyes and mouth of the labelled faces are, (faces, 48, 48), if that is known."""
    regions = read_regions(layout.REGIONS)
    return None if regions is None else np.any(list(regions.values()), axis=0)


def headline(results: dict[ModelName, Saliency]) -> dict[str, float]:
    """The few numbers by which experiments are compared."""
    numbers = {
        f"{model}_deletion": found.deletion.difference["smoothgrad"].value
        for model, found in results.items()
    }
    numbers |= {
        f"{model}_randomised": found.randomisation.all.value for model, found in results.items()
    }
    on_features = {
        "on_features": results["cnn"].share_on_features,
        "by_chance": results["cnn"].area_of_features,
        "untrained": results["cnn"].share_untrained,
    }
    # Real faces come without the truth about their features.
    return numbers | {name: value for name, value in on_features.items() if value is not None}
