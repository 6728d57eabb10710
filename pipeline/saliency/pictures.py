"""Which figures the stage makes of one model's maps."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.explaining.subject import Subject
from pipeline.faces.expressions import EXPRESSIONS
from pipeline.saliency.deletion import SHARES
from pipeline.saliency.figures import (
    Answer,
    beside,
    draw_deletion,
    draw_pictures,
    draw_rows,
    grey,
    heat,
    overlay,
)
from pipeline.saliency.measure import METHODS, make_maps
from pipeline.saliency.params import Saliency as SaliencyParams
from pipeline.saliency.result import Deleted
from pipeline.saliency.saliency import keep_brightest


def answers_for(subject: Subject, chosen: NDArray[np.int64]) -> list[Answer]:
    """What some test faces are, and what the model says."""
    probabilities, labels = subject.predict(chosen), subject.faces.labels[chosen]
    return [
        Answer(EXPRESSIONS[label], EXPRESSIONS[int(row.argmax())], float(row.max()))
        for label, row in zip(labels, probabilities, strict=True)
    ]


def draw_one_of_each(subject: Subject, shown: NDArray[np.int64]) -> dict[str, Figure]:
    """A face of each expression: by every method, under the mask, and with the map laid over."""
    faces, answers = subject.faces.pixels[shown], answers_for(subject, shown)
    maps = {method: make_maps(subject, shown, method) for method in METHODS}
    chosen = maps["smoothgrad"]
    masked = keep_brightest(faces, chosen, subject.params.section(SaliencyParams).mask)
    columns = [(name, heat(maps[method])) for method, name in METHODS.items()]
    return {
        "methods": draw_rows(
            [("face", grey(faces)), *columns], answers,
            f"What the {subject.name}'s answer depends on, by four methods",
        ),
        "triptych": draw_rows(
            [("map", heat(chosen)), ("face", grey(faces)), ("kept", grey(masked))], answers,
            f"{subject.name}: SmoothGrad map, face, and the pixels it marks most",
        ),
        "overlay": draw_pictures(
            overlay(faces, chosen), answers, f"{subject.name}: the map over the face", columns=4
        ),
    }  # fmt: skip


def draw_by_loss(subject: Subject, chosen: NDArray[np.int64]) -> dict[str, Figure]:
    """Several faces, each beside the gradient of its loss."""
    pairs = beside(grey(subject.faces.pixels[chosen]), heat(make_maps(subject, chosen, "loss")))
    title = f"{subject.name}: what would change its loss most"
    return {"loss": draw_pictures(pairs, answers_for(subject, chosen), title, columns=2)}


def draw_deleted(subject: Subject, found: Deleted, faces: int) -> dict[str, Figure]:
    """How soon the answer goes, by each kind of map and at random."""
    curves = {name: found.salient[method] for method, name in METHODS.items()}
    title = f"{subject.name}: how soon the answer goes, {faces} test faces"
    return {"deletion": draw_deletion(SHARES, curves, found.random, title)}
