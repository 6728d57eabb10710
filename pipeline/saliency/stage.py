"""Where the networks look: maps in several forms, and whether the bright pixels matter."""

import numpy as np
from numpy.typing import NDArray

from pipeline import layout
from pipeline.explaining.subject import Subject, explain_each, one_of_each
from pipeline.files import write_json
from pipeline.saliency.deletion import measure_deletion
from pipeline.saliency.features import known_features, measure_on_features
from pipeline.saliency.figures import draw_by_loss, draw_deletion, draw_one_of_each
from pipeline.saliency.params import Saliency
from pipeline.saliency.randomisation import measure_randomisation, unlearned
from pipeline.saliency.result import SaliencyResult, headline
from pipeline.saliency.saliency import (
    METHODS,
    completeness_error,
    keep_brightest,
    make_maps,
    maps_of,
)
from pipeline.shell import Stage

FORGETTING = 16
"""Faces whose maps are made anew for each layer that is randomised."""

SEVERAL = 8
"""Faces on the figure by the gradient of the loss."""


def work(stage: Stage) -> None:
    """From both networks to maps of faces, and what they are worth in numbers."""
    write_json(layout.metrics(stage.name), {"saliency": headline(explain_each(stage, explain))})


def explain(subject: Subject) -> SaliencyResult:
    """Draw the maps of one model and measure them, against features where these are known."""
    model, faces, settings = subject.model, subject.faces, subject.params.section(Saliency)
    seed = settings.seed
    order = np.random.default_rng(seed).permutation(len(faces.labels))
    shown, measured = one_of_each(faces.labels, seed), order[: settings.faces]
    pixels, targets = faces.pixels[measured], subject.predict(measured).argmax(axis=1)
    signed = make_maps(model, pixels, targets, "integrated", settings)
    maps = {
        each: np.abs(signed) if each == "integrated" else maps_of(subject, measured, each)
        for each in METHODS
    }
    deletion = measure_deletion(model, pixels, targets, maps, orders=settings.random, seed=seed)
    few, on_features = measured[:FORGETTING], {}
    if (features := known_features()) is not None:
        untrained = maps_of(subject, measured, "smoothgrad", unlearned(model, seed))
        inside = features[faces.places[measured]]
        on_features = measure_on_features(maps["smoothgrad"], untrained, inside)
    draw(subject, shown, order[:SEVERAL])
    title = f"{subject.name}: how soon the answer goes, {len(measured)} test faces"
    subject.save({"deletion": draw_deletion(deletion, title)})
    return SaliencyResult(
        faces_measured=len(measured),
        completeness_error=completeness_error(model, pixels, targets, signed),
        deletion=deletion,
        randomisation=measure_randomisation(
            model, lambda network: maps_of(subject, few, "smoothgrad", network), seed=seed
        ),
        **on_features,
    )


def draw(subject: Subject, shown: NDArray[np.int64], several: NDArray[np.int64]) -> None:
    """A face of each expression in all forms, and several faces by the gradient of the loss."""
    faces, maps = subject.faces.pixels[shown], {m: maps_of(subject, shown, m) for m in METHODS}
    masked = keep_brightest(faces, maps["smoothgrad"], subject.params.section(Saliency).mask)
    subject.save(draw_one_of_each(faces, masked, maps, subject.answers(shown), subject.name))
    faces, loss = subject.faces.pixels[several], maps_of(subject, several, "loss")
    subject.save({"loss": draw_by_loss(faces, loss, subject.answers(several), subject.name)})
