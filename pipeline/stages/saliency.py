"""Where the CNN looks: maps of a face of each expression, and how much falls on features."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pipeline import layout
from pipeline.analysis.intervals import mean_interval
from pipeline.analysis.saliency import explain, keep_brightest, share_inside
from pipeline.data.expressions import EXPRESSIONS
from pipeline.data.regions import read_regions
from pipeline.data.store import Faces, read_faces
from pipeline.figures.faces import draw_saliency
from pipeline.figures.style import save
from pipeline.models.store import load_classifier
from pipeline.params import Params
from pipeline.stages import shell
from pipeline.stages.files import read_parquet, write_json


def work(stage: shell.Stage) -> None:
    """From the CNN and its predictions to maps, a masked face each, and one share."""
    settings = stage.params.saliency
    faces = read_faces(layout.LABELLED)
    predictions = read_parquet(layout.PREDICTIONS).query("part == 'test'")
    columns = [f"cnn_{name}" for name in EXPRESSIONS]
    probabilities = predictions[columns].to_numpy()
    labels, places = predictions["label"].to_numpy(), predictions["face"].to_numpy()
    predicted = probabilities.argmax(axis=1)
    model = load_classifier(layout.folder("train@cnn"))

    shown = one_of_each(labels, settings.seed)
    pictures, targets = faces.pixels[places[shown]], predicted[shown]
    gradient = explain(model, pictures, targets, method="gradient")
    smooth = explain(
        model,
        pictures,
        targets,
        method="smoothgrad",
        samples=settings.samples,
        noise=settings.noise,
        seed=settings.seed,
    )
    masked = keep_brightest(pictures, smooth, settings.mask)
    names = [
        (EXPRESSIONS[labels[i]], EXPRESSIONS[predicted[i]], float(probabilities[i, predicted[i]]))
        for i in shown
    ]
    figure = draw_saliency(
        pictures, [("gradient", gradient), ("SmoothGrad", smooth)], masked, names,
        "Which pixels the CNN's answer depends on",
    )  # fmt: skip
    path = layout.figures(stage.name) / "saliency.svg"
    save(figure, path)

    results: dict[str, Any] = {"faces_shown": [int(place) for place in places[shown]]}
    regions = read_regions(layout.REGIONS)
    if regions is not None:
        features = np.any(list(regions.values()), axis=0)
        results |= measure(stage.params, model, faces, features, places, predicted)
    write_json(layout.folder(stage.name) / "saliency.json", results)
    # Real faces come without the truth about their features; DVC expects the file all the same.
    headline = (
        {"on_features": results["share_on_features"], "by_chance": results["area_of_features"]}
        if regions
        else {}
    )
    write_json(layout.metrics(stage.name), {"saliency": headline})
    stage.journal.metrics({f"saliency.{name}": value for name, value in headline.items()})
    stage.journal.artifact(path, "figures")


def measure(
    params: Params,
    model: nn.Module,
    faces: Faces,
    features: NDArray[np.bool_],
    places: NDArray[np.int64],
    predicted: NDArray[np.int64],
) -> dict[str, Any]:
    """How much saliency falls on brows, eyes and mouth, against the area that they cover.

    Args:
        params: how many faces are measured, and how.
        model: the CNN.
        faces: all labelled faces.
        features: where their features are, (faces, 48, 48).
        places: where the test faces stand among all, (N,).
        predicted: the class that the CNN names for each, (N,).
    """
    settings = params.saliency
    chosen = np.random.default_rng(settings.seed).permutation(len(places))[: settings.faces]
    inside = features[places[chosen]]
    maps = explain(
        model, faces.pixels[places[chosen]], predicted[chosen], method="smoothgrad",
        samples=settings.samples, noise=settings.noise, seed=settings.seed,
    )  # fmt: skip
    shares, area = share_inside(maps, inside), inside.mean(axis=(1, 2))
    # Above 1: the features draw more saliency than their area alone would give them.
    lift = mean_interval(
        shares / area, resamples=params.evaluate.resamples, seed=params.evaluate.seed
    )
    return {
        "faces_measured": len(chosen),
        "share_on_features": float(shares.mean()),
        "area_of_features": float(area.mean()),
        "lift": asdict(lift),
    }


def one_of_each(labels: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Position of a random face of each expression that occurs, in the order of the labels."""
    rng = np.random.default_rng(seed)
    present = np.unique(labels)
    return np.array([rng.choice(np.flatnonzero(labels == label)) for label in present])


if __name__ == "__main__":
    shell.run("saliency", work, own_params=lambda params: params.saliency.model_dump())
